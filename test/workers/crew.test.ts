import assert from 'node:assert/strict'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Config } from '../../src/config/schema.ts'
import { joinMetrics } from '../../src/telemetry/join-metrics.ts'
import { type Crew, startCrew } from '../../src/workers/crew.ts'
import { hire } from '../../src/workers/hire.ts'
import { until } from '../support/held-streams.ts'

const exec = join(import.meta.dirname, '../fixtures/scripted-worker.ts')

const startOf = (index: number, count: number, script: object) => ({
  kind: 'start' as const,
  config: script as Config,
  parts: [],
  place: { index, count, folder: '' },
})

const running = (): Worker[] =>
  Object.values(cluster.workers ?? {}).flatMap((one) => (one?.isConnected() ? [one] : []))

/** A crew of scripted workers, with what it has said. */
async function assemble(
  test: TestContext,
  count: number,
  script: object,
): Promise<{ crew: Crew; said: string[] }> {
  cluster.setupPrimary({ exec })
  const said: string[] = []
  const tell = (_: object, message: string): void => void said.push(message)
  const orders = Array.from({ length: count }, (_, index) => startOf(index, count, script))
  const crew = await startCrew({ orders, log: { info: tell, warn: tell }, onLost: () => undefined })
  test.after(async () => {
    const closed = crew.close()
    for (const one of running()) one.process.kill('SIGKILL')
    await closed
  })
  return { crew, said }
}

/** What all workers have counted, with those that are gone. */
async function thingsOf(crew: Crew): Promise<number> {
  const { text } = await joinMetrics(await crew.collect())
  return Number(/^things_total (\d+)$/m.exec(text)?.[1])
}

describe('a crew of workers', { timeout: 60_000 }, () => {
  it('says why a worker cannot be started, and does not wait for it', async () => {
    cluster.setupPrimary({ exec, cwd: '/nonexistent' })
    try {
      await assert.rejects(hire(startOf(0, 1, {})), {
        name: 'WorkerFailed',
        message: /cannot be started: .*ENOENT/,
      })
    } finally {
      cluster.setupPrimary({ exec, cwd: process.cwd() })
    }
  })

  it('counts a worker that finishes what runs while its successor serves', async (test) => {
    const { crew, said } = await assemble(test, 1, { lingers: true })
    const [before] = running()
    assert.equal(await thingsOf(crew), 1)
    const replacing = crew.replaceAll()
    await until(async () => running().length === 2 && (await thingsOf(crew)) === 2, 'both are counted')
    before?.process.kill('SIGTERM')
    await replacing
    assert.deepEqual(said, ['worker 0 was replaced'])
    assert.equal(await thingsOf(crew), 2, 'one that is gone, and one that serves')
  })

  it('counts a worker once that dies while its successor starts', async (test) => {
    const { crew } = await assemble(test, 1, {})
    const [before] = running()
    assert.equal(await thingsOf(crew), 1)
    const replacing = crew.replaceAll()
    before?.process.kill('SIGKILL')
    await replacing
    assert.equal(await thingsOf(crew), 2, 'one that is gone, and one that serves')
  })

  it('holds nobody up once it is closed, though a place waits to be filled', async (test) => {
    const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
    const { crew, said } = await assemble(test, 1, {})
    const earlier = timers()
    for (let losses = 1; losses <= 2; losses++) {
      await until(() => crew.size() === 1, 'it serves')
      const [worker] = running() as [Worker]
      worker.process.kill('SIGKILL')
      await once(worker, 'exit')
      await until(() => said.length === losses, 'it is lost')
    }
    await setImmediate()
    assert.ok(timers() > earlier, 'the place waits')
    await crew.close()
    await setImmediate()
    assert.equal(timers(), earlier)
  })
})
