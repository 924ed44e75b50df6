import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { restoreCommand } from '../../src/cli/backup.ts'
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
