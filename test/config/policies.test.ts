import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-policies-'))
const upstreams = [{ name: 'files', url: 'http://127.0.0.1:9000/mcp' }]
const permit = 'permit(principal, action, resource);'

function fileWith(content: string | Buffer): string {
  const path = join(mkdtempSync(join(folder, 'one-')), 'policies.cedar')
  writeFileSync(path, content)
  return path
}

describe('the files with policies', () => {
  it('are read with the configuration, in UTF-8 with or without a mark', () => {
    for (const text of [permit, `\uFEFF${permit}`]) {
      const { policies } = loadConfig({ base: { upstreams, policies: [fileWith(text)] } })
      assert.deepEqual(
        policies.map((one) => one.text),
        [permit],
      )
    }
  })

  it('are named where they cannot be read, with what to do', () => {
    for (const [file, message] of [
      [join(folder, 'none.cedar'), /none\.cedar does not exist: name the file that holds policies/],
      [folder, /is a folder: name the file in it/],
      [fileWith(Buffer.from(`// \u00e9\n${permit}`, 'latin1')), /is not in UTF-8: save it in that encoding/],
      [fileWith(Buffer.from(permit, 'utf16le')), /policies\.cedar/],
      [fileWith(''), /has no policy in it/],
    ] as const)
      assert.throws(() => loadConfig({ base: { upstreams, policies: [file] } }), message)
  })

  it('are missed where a setting counts with policies alone', () => {
    const roles = { editor: { users: ['ada'] } }
    for (const settings of [{ roles }, { policyMode: 'report' as const }])
      assert.throws(() => loadConfig({ base: { upstreams, ...settings } }), /works only with policies/)
  })
})

describe('a policy that permits a group', () => {
  const policies = [fileWith('permit(principal in Group::"staff", action, resource);')]
  const issuers = [{ issuer: 'https://sso.example.com' }]

  it('says whose group it is where several issuers name groups, of which Portcullis is one', () => {
    assert.throws(
      () => loadConfig({ base: { upstreams, policies, issuers } }),
      /tokens of 2 issuers are accepted.*whose Group::"staff"/s,
    )
    loadConfig({ base: { upstreams, policies } })
    loadConfig({ base: { upstreams, policies, issuers, authorizationServer: 'external' } })
  })
})
