import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'
import { onWindows } from '../support/pretend-platform.ts'

it('a server ends in order when its console is closed on Windows, which sends SIGHUP before it ends the process', {
  timeout: 60_000,
}, async (test) => {
  const data = mkdtempSync(join(tmpdir(), 'portcullis-console-'))
  const file = join(data, 'portcullis.yaml')
  const listen = { gateway: await freePort(), admin: 0, authorizationServer: 0 }
  const upstreams = [{ name: 'a', url: 'http://127.0.0.1:9/mcp' }]
  writeFileSync(file, JSON.stringify({ data, listen, upstreams, mode: 'development' }))
  const running = await startPortcullis(test, ['serve', '-c', file], onWindows, '"msg":"ready"')
  running.process.kill('SIGHUP')
  assert.equal(await running.exit, 0, running.output())
  assert.match(running.output(), /finishing running requests/)
  assert.doesNotMatch(running.output(), /configuration/, 'it is not read again')
})
