import assert from 'node:assert/strict'
import fs, { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { readAnchors } from '../../src/audit/anchors.ts'
import { filePaths, listFiles } from '../../src/audit/files.ts'
import { type Keeper, keepTrail } from '../../src/audit/keeper.ts'
import { leaseOn } from '../../src/audit/lease.ts'
import type { Trail } from '../../src/audit/trail.ts'
import { fillDisk } from '../support/fill-disk.ts'
import { movableClock } from '../support/movable-clock.ts'
import { replaceFs } from '../support/replace-fs.ts'
import { makeTrailFolder, someEvent, type TrailFolder } from '../support/trail.ts'
import { until } from '../support/until.ts'

const anHour = 3600 * 1000
const day = 24 * anHour

/** A trail with a file for each of three days, of which the last one is today. */
function recordDays(made: TrailFolder): Trail {
  const trail = made.open()
  for (let past = 0; past < 2; past++) {
    trail.commit(someEvent(`day-${past}`))
    trail.checkpoint()
    made.clock.advance(day)
  }
  trail.commit(someEvent('today'))
  return trail
}

function keep({ folder, signer, keys, clock, faults }: TrailFolder, trail: Trail): Keeper {
  return keepTrail({
    folder,
    trail,
    sinks: [],
    keepDays: 0,
    signer,
    keys: async () => keys,
    clock,
    onFault: (error) => faults.push(error),
    onSink: () => undefined,
  })
}

describe('the anchor of a file that was pruned (N34)', () => {
  it('is not spoiled by one of which a part was written when the disk was full', async (test) => {
    const made = makeTrailFolder()
    await recordDays(made).close()
    const disk = fillDisk(test, 100)
    await assert.rejects(made.prune(), { code: 'ENOSPC' })
    assert.equal(listFiles(made.folder).length, 3)
    disk.free()
    assert.equal((await made.prune()).length, 2)
    assert.deepEqual((await made.verify()).findings, [])
    assert.deepEqual(readAnchors(made.folder, made.keys).wrong, [])
  })

  it('is not spoiled by one that was torn when the machine stopped', async () => {
    const made = makeTrailFolder()
    await recordDays(made).close()
    const anchors = join(made.folder, 'anchors.jsonl')
    writeFileSync(anchors, '{"v":1,"time":"2026')
    assert.equal((await made.prune()).length, 2)
    assert.deepEqual((await made.verify()).findings, [])
    assert.match(readFileSync(anchors, 'utf8'), /^\{"v":1,"time":"2026\n\{.+\}\n\{.+\}\n$/)
  })
})

it('an anchor is on the disk before its file is gone, and left closed (N34)', async (test) => {
  const made = makeTrailFolder()
  await recordDays(made).close()
  const { fsyncSync: flush, closeSync: close, rmSync: remove } = fs
  const happened: string[] = []
  const nameOf = (descriptor: number): string => basename(fs.readlinkSync(`/proc/self/fd/${descriptor}`))
  replaceFs(test, 'fsyncSync', (descriptor) => {
    happened.push(`flush ${nameOf(descriptor)}`)
    flush(descriptor)
  })
  replaceFs(test, 'closeSync', (descriptor) => {
    if (nameOf(descriptor) === 'anchors.jsonl') happened.push('close')
    close(descriptor)
  })
  replaceFs(test, 'rmSync', (path) => {
    happened.push('remove')
    remove(path)
  })
  await made.prune()
  const steps = ['flush anchors.jsonl', 'close', 'remove']
  assert.deepEqual(happened, [...steps, ...steps])
})

describe('what is pruned is recorded', () => {
  const prunes = (made: TrailFolder): number =>
    made.lines().filter((line) => line.includes('"action":"prune"')).length

  it('if a later file does not verify', async () => {
    const made = makeTrailFolder()
    const trail = recordDays(made)
    appendFileSync(filePaths(made.folder)[1] ?? '', 'of nobody\n')
    const keeper = keep(made, trail)
    await keeper.close()
    assert.deepEqual([listFiles(made.folder).length, prunes(made)], [2, 1])
  })

  it('if the process ends meanwhile, which waits for no more than one file', async () => {
    const made = makeTrailFolder()
    const keeper = keep(made, recordDays(made))
    await keeper.close()
    assert.deepEqual([made.faults, listFiles(made.folder).length, prunes(made)], [[], 2, 1])
    assert.match(made.lines().at(-1) ?? '', /"event":"audit.end"/)
  })
})

describe('old files', () => {
  it('are those whose events are old, whatever name somebody gave them', async () => {
    const made = makeTrailFolder()
    await recordDays(made).close()
    const [name = ''] = listFiles(made.folder)
    renameSync(join(made.folder, name), join(made.folder, 'audit-2020-01-01.00001.jsonl'))
    const written = made.clock.now() - 2 * day
    const kept =
      /^Error: audit-2020-01-01\.00001\.jsonl is old .*, but stays: an event in it is of 2026-11-27T12:/
    await assert.rejects(made.prune(written - 60_000), kept)
    assert.equal(listFiles(made.folder).length, 3)
    assert.deepEqual(await made.prune(written + 60_000), ['audit-2020-01-01.00001.jsonl'])
  })

  it('have no recent event, wherever in them it is', async () => {
    const made = makeTrailFolder()
    const slow = movableClock()
    slow.advance(made.clock.now() - 2 * anHour - slow.now())
    const behind = made.open({ clock: slow })
    await made.open().close()
    behind.commit(someEvent('by a clock that is slow'))
    await behind.close()
    const before = made.clock.now() - anHour
    made.clock.advance(day)
    await made.open().close()
    const [name = ''] = listFiles(made.folder)
    renameSync(join(made.folder, name), join(made.folder, 'audit-2020-01-01.00001.jsonl'))
    await assert.rejects(made.prune(before), /stays: an event in it is of 2026-11-27T12:00/)
  })

  it('are removed while a server runs, and what keeps one is told once an hour', async (test) => {
    test.mock.timers.enable({ apis: ['setInterval'] })
    const made = makeTrailFolder()
    const trail = made.open()
    trail.commit(someEvent('first'))
    const keeper = keep(made, trail)
    made.clock.advance(day)
    trail.commit(someEvent('second'))
    test.mock.timers.tick(2000)
    await until(() => listFiles(made.folder).length === 1)
    appendFileSync(filePaths(made.folder)[0] ?? '', 'of nobody\n')
    made.clock.advance(day)
    trail.commit(someEvent('third'))
    for (let hour = 1; hour <= 2; hour++) {
      for (let round = 0; round < 3; round++) test.mock.timers.tick(2000)
      await until(() => made.faults.length >= hour)
      for (let round = 0; round < 3; round++) test.mock.timers.tick(2000)
      await new Promise((resolve) => setImmediate(resolve))
      if (hour === 1) made.clock.advance(3_600_000)
    }
    await keeper.close()
    assert.deepEqual([made.faults.length, listFiles(made.folder).length], [2, 2])
  })

  for (const who of ['another process', 'nobody can tell who'])
    it(`are left alone while ${who} has the lease`, async (test) => {
      test.mock.timers.enable({ apis: ['setInterval'] })
      const made = makeTrailFolder()
      const trail = made.open()
      trail.commit(someEvent('first'))
      const lease = join(made.folder, 'keeper.json')
      if (who === 'another process') assert.ok(leaseOn(made.folder, made.clock).renew())
      const keeper = keep(made, trail)
      if (who !== 'another process') {
        rmSync(lease)
        mkdirSync(lease)
      }
      made.clock.advance(day)
      trail.commit(someEvent('second'))
      test.mock.timers.tick(2000)
      await new Promise((resolve) => setImmediate(resolve))
      rmSync(lease, { recursive: true })
      await keeper.close()
      assert.equal(listFiles(made.folder).length, 2)
    })
})
