import assert from 'node:assert/strict'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Config } from '../../src/config/schema.ts'
import { type HiredWorker, hire } from '../../src/workers/hire.ts'

const questions = ['collect', 'watch', 'check'] as const

function begin(script: object, closing = new AbortController()): Promise<HiredWorker> {
  cluster.setupPrimary({ exec: join(import.meta.dirname, '../fixtures/scripted-worker.ts') })
  const place = { index: 0, count: 1, folder: '' }
  return hire({ kind: 'start', config: script as Config, parts: [], place }, closing.signal)
}

/** A serving worker, which is ended with the test. */
async function serving(
  test: TestContext,
  { script = {}, closing = new AbortController() } = {},
): Promise<{ hired: HiredWorker; worker: Worker }> {
  const hired = await begin(script, closing)
  test.after(() => hired.kill())
  const worker = Object.values(cluster.workers ?? {}).find((one) => one?.process.pid === hired.pid)
  assert.ok(worker !== undefined)
  return { hired, worker }
}

/** Lets timers of so many milliseconds end soon, or never. */
function setTimers(test: TestContext, milliseconds: number, end: 'soon' | 'never'): void {
  const set = globalThis.setTimeout
  test.mock.method(globalThis, 'setTimeout', ((act: () => void, after: number) =>
    set(act, after !== milliseconds ? after : end === 'soon' ? 10 : 1_000_000)) as typeof setTimeout)
}

const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length

describe('a worker that starts', { timeout: 60_000 }, () => {
  it('is said to be one that cannot be started, and is not waited for', async () => {
    cluster.setupPrimary({ cwd: '/nonexistent' })
    try {
      await assert.rejects(begin({}), { name: 'WorkerFailed', message: /cannot be started: .*ENOENT/ })
    } finally {
      cluster.setupPrimary({ cwd: process.cwd() })
    }
  })

  it('is ended where it does not become ready, with what to do', async (test) => {
    const forked = once(cluster, 'fork') as Promise<[Worker]>
    setTimers(test, 120_000, 'soon')
    await assert.rejects(begin({ hangs: true }), {
      name: 'WorkerFailed',
      message: /^a worker was not ready after 120 s and was ended: check that the store/,
    })
    const [hung] = await forked
    if (hung.isConnected()) await once(hung, 'disconnect')
    assert.equal(hung.isConnected(), false)
  })

  it('is a fault unless an operator can fix what prevents it', async () => {
    await assert.rejects(begin({ fails: 'no room' }), { name: 'WorkerFailed', message: 'no room' })
    await assert.rejects(begin({ fails: 'a fault', isFault: true }), { name: 'Error', message: 'a fault' })
  })

  it('is not waited for when it ends first, or when all is closed', async () => {
    for (const end of ['SIGKILL', 'abort'] as const) {
      const closing = new AbortController()
      const online = once(cluster, 'online') as Promise<[Worker]>
      const starting = begin({ hangs: true }, closing)
      const [worker] = await online
      if (end === 'abort') closing.abort()
      else worker.process.kill(end)
      await assert.rejects(starting, { message: 'a worker ended with SIGKILL before it was ready' })
    }
  })

  it('has no more to do with its start once it serves', async (test) => {
    const before = timers()
    const closing = new AbortController()
    const { hired, worker } = await serving(test, { closing })
    assert.equal(timers(), before)
    closing.abort()
    assert.deepEqual(await hired.ask('check'), undefined)
    assert.equal(worker.isConnected(), true)
  })
})

describe('a worker that serves', { timeout: 60_000 }, () => {
  it('is heard of with everything that it says', async (test) => {
    const { hired } = await serving(test)
    assert.deepEqual([hired.pulse(), hired.pulse()], [1, 2])
    // It has answered when the answer is there, and not when the time for it is over.
    setTimers(test, 2000, 'never')
    await hired.ask('check')
    assert.equal(hired.pulse(), 1)
  })

  it('is waited for two seconds at most, and its last answer stands', async (test) => {
    const { hired, worker } = await serving(test, { script: { problem: 'the store is away' } })
    assert.equal(await hired.ask('check'), 'the store is away')
    worker.process.kill('SIGSTOP')
    setTimers(test, 2000, 'soon')
    assert.equal(await hired.ask('check'), 'the store is away')
    assert.deepEqual([await hired.ask('collect'), hired.counted()], [[], []])
  })

  it('is not waited for when it ends, or has ended', async (test) => {
    const { hired, worker } = await serving(test)
    worker.process.kill('SIGSTOP')
    setTimers(test, 2000, 'never')
    const before = timers()
    const answers = questions.map((question) => hired.ask(question))
    hired.kill()
    assert.deepEqual(await Promise.all(answers), [[], [], undefined])
    assert.equal(await hired.gone, 'SIGKILL')
    test.mock.method(worker, 'isConnected', () => true) // Its channel closes a little later at times.
    assert.deepEqual(await Promise.all(questions.map((question) => hired.ask(question))), [[], [], undefined])
    assert.equal(await hired.replace({} as Config), 'the worker ended')
    assert.equal(timers(), before)
  })

  it('is only known to be gone, whatever went wrong on the way to it', async (test) => {
    const { hired, worker } = await serving(test, { script: { replacing: 'ends' } })
    for (let time = 0; time < 2; time++) worker.emit('error', new Error('write EPIPE'))
    const before = timers()
    assert.equal(await hired.replace({} as Config), 'the worker ended')
    assert.equal(await hired.gone, 'code 1')
    assert.equal(timers(), before)
    hired.tell({ kind: 'drain' })
  })
})
