import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { restoreCommand } from '../../src/cli/backup.ts'
import { portcullis } from '../support/command.ts'
import { runHere } from '../support/run-here.ts'

describe('portcullis restore --tenant', () => {
  it('creates no folder where the installation has no secret', async (test) => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-restore-'))
    const [home, file, config] = ['home', 'tenant.backup', 'portcullis.json'].map((name) =>
      join(folder, name),
    )
    const upstreams = [{ name: 'one', path: '/mcp', url: 'http://127.0.0.1:9/mcp' }]
    const tenants = [{ name: 'acme', host: 'acme.localhost', upstreams }]
    writeFileSync(file as string, '')
    writeFileSync(
      config as string,
      JSON.stringify({ publicUrl: 'http://127.0.0.1:3999', upstreams, tenants }),
    )
    const args = [file, '-c', config, '--data', home, '--tenant', 'acme'] as string[]
    const { failure } = await runHere(test, restoreCommand(), args)
    assert.match(String(failure), /secret is missing/)
    assert.deepEqual(readdirSync(folder).toSorted(), ['portcullis.json', 'tenant.backup'])
  })
})

describe('portcullis backup --tenant', () => {
  it('takes the place of nothing that the installation or a tenant runs on, whatever it is told', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-backup-'))
    const config = join(folder, 'portcullis.json')
    const served = {
      login: { users: 'local' },
      upstreams: [{ name: 'one', path: '/mcp', url: 'http://127.0.0.1:9/mcp' }],
    }
    const tenants = ['acme', 'other'].map((name) => ({ name, host: `${name}.localhost`, ...served }))
    writeFileSync(config, JSON.stringify({ publicUrl: 'http://127.0.0.1:3999', ...served, tenants }))
    const at = ['-c', config, '--data', join(folder, 'home')]
    for (const whose of [[], ['--tenant', 'acme'], ['--tenant', 'other']])
      assert.equal((await portcullis(['user', 'invite', 'ada', ...at, ...whose])).code, 0)
    symlinkSync(join(folder, 'home/tenants/acme'), join(folder, 'link'))
    for (const [file, whose] of [
      ['home/secret', ['--tenant', 'acme']],
      ['home/portcullis.sqlite', ['--tenant', 'acme']],
      ['home/tenants/other/portcullis.sqlite', ['--tenant', 'acme']],
      ['home/tenants/acme/portcullis.sqlite', []],
      ['link/portcullis.sqlite', ['--tenant', 'acme']],
    ] as const) {
      const path = join(folder, file)
      const before = readFileSync(path)
      const { code, stderr } = await portcullis(['backup', path, '--force', ...at, ...whose])
      assert.deepEqual([code, /the installation itself uses this file/.test(stderr)], [2, true], stderr)
      assert.deepEqual(readFileSync(path), before)
    }
  })
})
