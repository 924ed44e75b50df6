import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { joinMetrics } from '../../src/telemetry/join-metrics.ts'
import type { CollectedMetrics } from '../../src/telemetry/metrics.ts'
import { type Counts, createCounts } from '../../src/workers/counts.ts'
import type { HiredWorker } from '../../src/workers/hire.ts'

/** A worker that has counted so many things when it is asked. */
function counting(things: number, asked = Promise.resolve()): Pick<HiredWorker, 'ask' | 'counted'> {
  let known: CollectedMetrics = []
  const values = [{ value: things, labels: {} }]
  return {
    counted: () => known,
    async ask() {
      await asked
      known = [{ name: 'things_total', help: 'Things', type: 'counter', aggregator: 'sum', values }] as never
      return known as never
    },
  }
}

async function thingsOf(collected: ReturnType<Counts['collect']>): Promise<number> {
  const { text } = await joinMetrics(await collected)
  return Number(/^things_total (\d+)$/m.exec(text)?.[1])
}

describe('what workers have counted', () => {
  it('is that of all, also of those that end at once', async () => {
    const counts = createCounts()
    const workers = [counting(1), counting(10), counting(100)] as const
    for (const one of workers) counts.add(one)
    assert.equal(await thingsOf(counts.collect()), 111)
    await Promise.all([counts.keep(workers[0]), counts.keep(workers[1])])
    assert.equal(await thingsOf(counts.collect()), 111)
  })

  it('has no worker twice, whoever keeps it', async () => {
    const counts = createCounts()
    const [ended, serving] = [counting(1), counting(10)]
    for (const one of [ended, serving]) counts.add(one)
    await counts.collect()
    await Promise.all([counts.keep(ended), counts.keep(ended), counts.keep(counting(100))])
    assert.equal(await thingsOf(counts.collect()), 11)
  })

  it('has one that ends while the others are asked, once', async () => {
    const counts = createCounts()
    const { promise, resolve } = Promise.withResolvers<void>()
    const [ended, slow] = [counting(1), counting(10, promise)]
    for (const one of [ended, slow]) counts.add(one)
    const collecting = counts.collect()
    await ended.ask('collect')
    await counts.keep(ended)
    resolve()
    assert.equal(await thingsOf(collecting), 11)
  })
})
