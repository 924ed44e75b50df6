import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { childrenOf } from '../support/children-of.ts'
import { startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'
import { isRunning } from '../support/is-running.ts'
import { until } from '../support/until.ts'

it('a signal to all processes at once, as systemd ends a unit, is left by the workers to their primary', {
  timeout: 60_000,
}, async (test) => {
  const data = mkdtempSync(join(tmpdir(), 'portcullis-'))
  const file = join(data, 'portcullis.yaml')
  const [gateway, admin] = [await freePort(), await freePort()]
  const upstreams = [{ name: 'test', url: 'http://127.0.0.1:9/mcp' }]
  const listen = { gateway, admin, authorizationServer: 0 }
  writeFileSync(file, JSON.stringify({ data, listen, upstreams, mode: 'development' }))
  const args = ['serve', '-c', file, '--workers', '2']
  const started = await startPortcullis(test, args, {}, '"msg":"ready"')
  const workers = await childrenOf(started.process.pid)
  for (const pid of workers) process.kill(pid, 'SIGTERM')
  // Each of them is asked, and has noticed the signal by the second time.
  for (let time = 0; time < 3; time++) {
    const { status } = await fetch(`http://127.0.0.1:${admin}/readyz`)
    assert.equal(status, 200)
  }
  assert.deepEqual(await childrenOf(started.process.pid), workers)
  started.process.kill('SIGTERM')
  assert.equal(await started.exit, 0)
  await until(() => !workers.some(isRunning))
})
