import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { isRunning } from '../support/is-running.ts'
import { until } from '../support/until.ts'
import { startWorkers } from '../support/worker-installation.ts'

describe('a worker that stands still', { timeout: 120_000 }, () => {
  it('is ended and replaced (A72)', async (test) => {
    const gate = await startWorkers(test, 2)
    const primary = gate.started.process.pid as number
    const children = await readFile(`/proc/${primary}/task/${primary}/children`, 'utf8')
    const [hung = 0] = children.split(' ').filter(Boolean).map(Number)
    process.kill(hung, 'SIGSTOP')
    test.after(() => {
      // It cannot end by itself while it is stopped, should the primary have left it.
      if (isRunning(hung)) process.kill(hung, 'SIGKILL')
    })

    await until(() => !isRunning(hung), 'it is ended', 60_000)
    await gate.until(/^worker \d has not answered for 30 s and is ended$/)
    await gate.until(/ended with SIGKILL and is replaced/)
    for (let asked = 0; asked < 4; asked++) {
      const { status } = await fetch(`${gate.url}/.well-known/oauth-protected-resource/mcp`, {
        headers: { connection: 'close' },
      })
      assert.equal(status, 200)
    }
  })
})
