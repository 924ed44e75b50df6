import assert from 'node:assert/strict'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, describe, it, type TestContext } from 'node:test'
import { setImmediate, setTimeout as wait } from 'node:timers/promises'
import type { Config } from '../../src/config/schema.ts'
import { joinMetrics } from '../../src/telemetry/join-metrics.ts'
import { type Crew, startCrew } from '../../src/workers/crew.ts'
import { until } from '../support/until.ts'

const exec = join(import.meta.dirname, '../fixtures/scripted-worker.ts')

const startOf = (index: number, count: number, script: object) => ({
  kind: 'start' as const,
  config: script as Config,
  parts: [],
  place: { index, count, folder: '' },
})

const running = (): Worker[] =>
  Object.values(cluster.workers ?? {}).flatMap((one) => (one?.isConnected() ? [one] : []))

interface Assembled {
  readonly crew: Crew
  /** What it has said. */
  readonly said: string[]
  /** Kills the worker that serves, and waits until the crew has noticed. */
  readonly lose: () => Promise<void>
}

/** A crew of scripted workers. */
async function assemble(test: TestContext, script: object, count = 1): Promise<Assembled> {
  cluster.setupPrimary({ exec })
  const said: string[] = []
  const tell = (_: object, message: string): void => void said.push(message)
  let losses = 0
  const orders = Array.from({ length: count }, (_, index) => startOf(index, count, script))
  const crew = await startCrew({ orders, log: { info: tell, warn: tell }, onLost: () => losses++ })
  test.after(async () => {
    const closed = crew.close()
    for (const one of running()) one.process.kill('SIGKILL')
    await closed
  })
  const lose = async (): Promise<void> => {
    const before = losses
    await until(() => crew.size() === 1, 'it serves')
    const [worker] = running() as [Worker]
    worker.process.kill('SIGKILL')
    await once(worker, 'exit')
    await until(() => losses > before, 'it is lost')
    await setImmediate()
  }
  return { crew, said, lose }
}

/** The milliseconds of all timers from now on. One of `hurried` ends soon. */
function watchTimers(test: TestContext, hurried?: number): () => unknown[] {
  const set = globalThis.setTimeout
  const { mock } = test.mock.method(globalThis, 'setTimeout', ((act: () => void, milliseconds: number) =>
    set(act, milliseconds === hurried ? 10 : milliseconds)) as typeof setTimeout)
  return () => mock.calls.map((call) => call.arguments[1])
}

/** How many workers are started from now on. */
function countForks(test: TestContext): () => number {
  let forks = 0
  const count = (): void => void forks++
  cluster.on('fork', count)
  test.after(() => cluster.off('fork', count))
  return () => forks
}

/** What all workers have counted, with those that are gone. */
async function thingsOf(crew: Crew): Promise<number> {
  const { text } = await joinMetrics(await crew.collect())
  return Number(/^things_total (\d+)$/m.exec(text)?.[1])
}

/** Replaces the worker, and the configuration while its successor, which stands still, is starting. */
async function replaceMeanwhile(crew: Crew, script: object): Promise<void> {
  const starting = once(cluster, 'fork') as Promise<[Worker]>
  const replacing = crew.replaceAll()
  const [{ process: successor }] = await starting
  successor.kill('SIGSTOP')
  await crew.replace(script as Config)
  successor.kill('SIGCONT')
  await replacing
}

afterEach(() => {
  delete process.env['SCRIPT']
})

describe('a crew of workers', { timeout: 100_000 }, () => {
  it('replaces one whose successor does not become ready as one whose successor cannot start', async (test) => {
    const { crew, said, lose } = await assemble(test, {})
    watchTimers(test, 120_000)
    process.env['SCRIPT'] = JSON.stringify({ hangs: true })
    await lose()
    await until(() => said.length === 2, 'it is given up')
    test.mock.restoreAll()
    delete process.env['SCRIPT']
    await until(() => crew.size() === 1, 'another one serves')
    assert.match(
      said[1] ?? '',
      /^worker 0 cannot start, which is tried again: a worker was not ready after 120 s/,
    )
  })

  it('ends one that hangs at its start with the others', async (test) => {
    const { crew, said } = await assemble(test, {})
    process.env['SCRIPT'] = JSON.stringify({ hangs: true })
    const starting = once(cluster, 'online')
    const replacing = crew.replaceAll()
    await starting
    await crew.close()
    await replacing
    await until(() => running().length === 0, 'all end')
    assert.deepEqual(said, [])
  })

  it('counts a worker that finishes what runs while its successor serves', async (test) => {
    const { crew, said } = await assemble(test, { lingers: true })
    const [before] = running()
    assert.equal(await thingsOf(crew), 1)
    const replacing = crew.replaceAll()
    await until(async () => running().length === 2 && (await thingsOf(crew)) === 2, 'both are counted')
    assert.deepEqual(said, [])
    before?.process.kill('SIGTERM')
    await replacing
    assert.deepEqual(said, ['worker 0 was replaced'])
    assert.equal(await thingsOf(crew), 2, 'one that is gone, and one that serves')
  })

  it('counts a worker once that dies while its successor starts', async (test) => {
    const { crew } = await assemble(test, {})
    const [before] = running()
    assert.equal(await thingsOf(crew), 1)
    const forks = countForks(test)
    const replacing = crew.replaceAll()
    before?.process.kill('SIGKILL')
    await replacing
    assert.equal(await thingsOf(crew), 2, 'one that is gone, and one that serves')
    await setImmediate()
    assert.equal(forks(), 1, 'nobody else was started for its place')
  })

  it('starts nobody for a place that was lost when all are closed', async (test) => {
    const { crew, lose } = await assemble(test, {})
    process.env['SCRIPT'] = JSON.stringify({ hangs: true })
    const forks = countForks(test)
    const starting = once(cluster, 'online')
    const replacing = crew.replaceAll()
    await starting
    const timers = watchTimers(test)
    await lose()
    await until(() => timers().includes(0), 'the place is to be filled')
    await wait(0)
    await crew.close()
    await replacing
    await setImmediate()
    assert.equal(forks(), 1, 'the successor that hung')
  })

  it('holds nobody up once it is closed, though a place waits to be filled', async (test) => {
    const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
    const { crew, lose } = await assemble(test, {})
    const earlier = timers()
    const set = watchTimers(test)
    await lose()
    await lose()
    assert.ok(set().includes(1000) && timers() > earlier, 'the place waits')
    await assert.rejects(crew.replace({} as Config), /no worker serves that could try it/)
    await assert.rejects(crew.checkReady(), /no worker serves/)
    await crew.replaceAll()
    assert.equal(crew.size(), 0, 'it still waits')
    await crew.close()
    await setImmediate()
    assert.equal(timers(), earlier)
  })

  it('waits longer after each start that fails, until a worker has served for a minute', async (test) => {
    const { crew, said, lose } = await assemble(test, {})
    const timers = watchTimers(test)
    process.env['SCRIPT'] = JSON.stringify({ fails: 'no room' })
    await lose()
    await until(
      () => said.filter((line) => line.endsWith('is tried again: no room')).length === 2,
      'two fail',
    )
    delete process.env['SCRIPT']
    await setImmediate()
    assert.deepEqual(
      [1000, 2000, 4000].filter((pause) => timers().includes(pause)),
      [1000, 2000],
    )
    const now = performance.now.bind(performance)
    await until(() => crew.size() === 1, 'one serves')
    test.mock.method(performance, 'now', () => now() + 60_000)
    await lose()
    assert.ok(!timers().includes(4000))
  })

  it('lets nobody begin with a configuration that another one has replaced meanwhile', async (test) => {
    const { crew } = await assemble(test, { things: 1 })
    await replaceMeanwhile(crew, { things: 10 })
    assert.equal(await thingsOf(crew), 20)
  })

  it('lets go of a successor that cannot use what came while it started', async (test) => {
    const { crew, said } = await assemble(test, {})
    process.env['SCRIPT'] = JSON.stringify({ replacing: { problem: 'not me' } })
    await replaceMeanwhile(crew, {})
    assert.deepEqual(said, ['worker 0 stays, for its successor cannot start: not me'])
    await until(() => running().length === 1, 'the successor ends')
    assert.equal(crew.size(), 1)
  })

  it('lets nobody go on who was given another configuration when the others were told to end', async (test) => {
    const { crew } = await assemble(test, {})
    const starting = once(cluster, 'online') as Promise<[Worker]>
    const replacing = crew.replaceAll()
    const [successor] = await starting
    successor.process.kill('SIGSTOP')
    await crew.replace({} as Config)
    const closing = new Promise<void>((resolve) => {
      successor.once('message', () => successor.once('message', () => resolve()))
    })
      .then(() => setImmediate())
      .then(() => crew.close())
    successor.process.kill('SIGCONT')
    await Promise.all([closing, replacing])
    await until(() => running().length === 0, 'all end')
  })

  it('lets nobody go on who became ready when the others were told to end', async (test) => {
    const { crew } = await assemble(test, {})
    const starting = once(cluster, 'fork')
    void crew.replaceAll()
    await starting
    await crew.close()
    await until(() => running().length === 0, 'all end')
  })

  it('ends who does not finish', async (test) => {
    const { crew, said } = await assemble(test, { lingers: true })
    watchTimers(test, 15_000)
    await crew.close()
    assert.equal(running().length, 0)
    assert.deepEqual(said, [], 'and replaces nobody')
  })

  it('refuses a configuration of which the first worker never says whether it can use it, and ends that', async (test) => {
    const { crew, said } = await assemble(test, { replacing: 'is silent' })
    const [silent] = running() as [Worker]
    watchTimers(test, 60_000)
    const ended = once(silent, 'exit')
    await assert.rejects(crew.replace({} as Config), /the worker does not answer/)
    await ended
    await until(() => crew.size() === 1 && said.length === 1, 'another one takes its place')
  })

  it('refuses a configuration with which the first worker ends', async (test) => {
    const { crew } = await assemble(test, { replacing: 'ends' })
    await assert.rejects(crew.replace({} as Config), /the worker ended/)
  })

  it('replaces one that ends with a new configuration once', async (test) => {
    const { crew, said } = await assemble(test, {}, 2)
    process.env['SCRIPT'] = JSON.stringify({ replacing: 'ends' })
    running()[1]?.process.kill('SIGKILL')
    await until(() => said.length === 1 && crew.size() === 2, 'the second one is such a worker')
    delete process.env['SCRIPT']
    await crew.replace({ things: 5 } as object as Config)
    await until(() => crew.size() === 2, 'it is replaced')
    await setImmediate()
    assert.deepEqual(said, [
      'worker 1 ended with SIGKILL and is replaced',
      'worker 1 ended with code 1 and is replaced',
      'a worker cannot go on with the new configuration: the worker ended',
    ])
    assert.equal(running().length, 2)
  })

  it('replaces one that cannot use a new configuration by one that starts with it', async (test) => {
    const { crew, said } = await assemble(test, { things: 1 }, 2)
    process.env['SCRIPT'] = JSON.stringify({ replacing: { problem: 'not me' } })
    running()[1]?.process.kill('SIGKILL')
    await until(() => said.length === 1 && crew.size() === 2, 'the second one is such a worker')
    delete process.env['SCRIPT']
    const [, other] = running() as [Worker, Worker]
    await crew.replace({ things: 10 } as object as Config)
    assert.equal(crew.size(), 1)
    await until(() => other.isDead() && crew.size() === 2, 'it is replaced')
    assert.deepEqual(said.slice(1), ['a worker cannot go on with the new configuration: not me'])
    assert.equal(await thingsOf(crew), 21, 'of two that use it, and one that did not')
  })

  it('ends who says nothing for half a minute', async (test) => {
    test.mock.timers.enable({ apis: ['setInterval'] })
    const { said } = await assemble(test, {})
    test.mock.timers.tick(6 * 5000)
    assert.deepEqual(said, [])
    test.mock.timers.tick(5000)
    assert.deepEqual(said, ['worker 0 has not answered for 30 s and is ended'])
    await until(() => said.length === 2, 'it is lost')
    assert.equal(said[1], 'worker 0 ended with SIGKILL and is replaced')
  })

  it('is ready when all are', async (test) => {
    const { crew } = await assemble(test, {}, 2)
    await crew.checkReady()
    process.env['SCRIPT'] = JSON.stringify({ problem: 'the store is away' })
    running()[1]?.process.kill('SIGKILL')
    await until(
      () =>
        crew.checkReady().then(
          () => false,
          ({ message }: Error) => message === 'the store is away',
        ),
      'one is not',
    )
  })

  it('does not begin where one cannot start, and ends the others', async () => {
    cluster.setupPrimary({ exec })
    const orders = [startOf(0, 2, {}), startOf(1, 2, { fails: 'no room' })]
    const log = { info: () => undefined, warn: () => undefined }
    await assert.rejects(startCrew({ orders, log, onLost: () => assert.fail('nobody is lost') }), /no room/)
    await until(() => running().length === 0, 'all end')
  })
})
