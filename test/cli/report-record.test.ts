import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { portcullis } from '../support/command.ts'
import { startInstallation } from '../support/installation.ts'

it('an access review says of how many of its events no signature says yet that they are as they were (N34)', async (test) => {
  const installation = await startInstallation()
  test.after(() => installation.close())
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-record-'))
  for (let call = 0; call < 3; call++) await fetch(installation.mcpUrl, { method: 'POST' })
  cpSync(join(installation.data, 'audit'), join(folder, 'open'), { recursive: true })
  // What is there by now is signed.
  await installation.restart()
  cpSync(join(installation.data, 'audit'), join(folder, 'ended'), { recursive: true })

  const recordOf = async (name: string): Promise<string> => {
    const out = join(folder, `${name}.html`)
    const flags = ['--data', installation.data, '--out', out]
    const { code, stderr } = await portcullis(['audit', 'report', join(folder, name), ...flags])
    assert.equal(code, 0, stderr)
    return /<header>[^]*<\/header>/.exec(readFileSync(out, 'utf8'))?.[0] ?? ''
  }
  const open = await recordOf('open')
  assert.match(open, /The record was verified/)
  assert.match(open, /3 events came after the last signature of their chain/)
  assert.doesNotMatch(await recordOf('ended'), /after the last signature/)
})
