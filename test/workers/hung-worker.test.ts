import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { isRunning } from '../support/is-running.ts'
import { until } from '../support/until.ts'
import { startWorkers, type WorkerInstallation } from '../support/worker-installation.ts'

/** The process ids of the workers. */
async function workersOf({ started }: WorkerInstallation): Promise<number[]> {
  const primary = started.process.pid as number
  const children = await readFile(`/proc/${primary}/task/${primary}/children`, 'utf8')
  return children.split(' ').filter(Boolean).map(Number)
}

describe('a worker that stands still', { timeout: 120_000 }, () => {
  it('is ended and replaced (A72)', async (test) => {
    const gate = await startWorkers(test, 2)
    const [hung = 0] = await workersOf(gate)
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

describe('a worker without free file descriptors', { timeout: 60_000 }, () => {
  it('is replaced, since it would get no connection even when it has some again (A72)', async (test) => {
    const gate = await startWorkers(test, 2)
    for (const worker of await workersOf(gate)) {
      // Those that it has remain open.
      await promisify(execFile)('prlimit', ['--pid', String(worker), '--nofile=1:'])
    }
    const ask = async (patienceMilliseconds = 10_000): Promise<number> => {
      const headers = { connection: 'close' }
      const signal = AbortSignal.timeout(patienceMilliseconds)
      const { status } = await fetch(`${gate.url}/.well-known/oauth-protected-resource/mcp`, {
        headers,
        signal,
      })
      return status
    }
    await until(async () => {
      await ask(500).catch(() => undefined) // no one is there, or one that cannot take it
      return gate.lines().filter(({ msg }) => /^worker \d has too many files/.test(msg ?? '')).length >= 2
    }, 'both are replaced')
    await until(
      () =>
        ask().then(
          (status) => status === 200,
          () => false,
        ),
      'another one answers',
    )
    for (let asked = 0; asked < 4; asked++) assert.equal(await ask(), 200)
  })
})

describe('a primary that stands still', { timeout: 60_000 }, () => {
  it('keeps no request from its worker, which counts limits alone meanwhile (A36, A72)', async (test) => {
    const gate = await startWorkers(test, 2, { limits: { perMinute: 3 } })
    const token = await tokenFor(gate.mcpUrl, 'ada')
    // New connections would wait for the primary.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    test.after(() => agent.destroy())
    const ask = async (): Promise<number | undefined> => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const req = request(gate.mcpUrl, { method: 'POST', agent, headers })
      req.end(JSON.stringify(legacyRequest('tools/list')))
      const [res] = (await once(req, 'response')) as [IncomingMessage]
      await buffer(res)
      return res.statusCode
    }
    assert.equal(await ask(), 502, 'let in; there is no server behind')
    const primary = gate.started.process.pid as number
    process.kill(primary, 'SIGSTOP')
    test.after(() => process.kill(primary, 'SIGCONT'))
    const alone = [await ask(), await ask(), await ask(), await ask()]
    process.kill(primary, 'SIGCONT')
    assert.deepEqual(alone, [502, 502, 502, 503])
    await gate.until(/^the primary does not answer: this worker counts limits alone until it does$/)
  })
})
