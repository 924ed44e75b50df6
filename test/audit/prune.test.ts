import assert from 'node:assert/strict'
import fs, { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { readAnchors } from '../../src/audit/anchors.ts'
import { filePaths, listFiles } from '../../src/audit/files.ts'
import { type Keeper, keepTrail } from '../../src/audit/keeper.ts'
import type { Trail } from '../../src/audit/trail.ts'
import { fillDisk } from '../support/fill-disk.ts'
import { replaceFs } from '../support/replace-fs.ts'
import { makeTrailFolder, someEvent, type TrailFolder } from '../support/trail.ts'

const day = 24 * 3600 * 1000

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
  const { fsyncSync, closeSync, rmSync } = fs
  const happened: string[] = []
  const nameOf = (descriptor: number): string => basename(fs.readlinkSync(`/proc/self/fd/${descriptor}`))
  replaceFs(test, 'fsyncSync', (descriptor) => {
    happened.push(`flush ${nameOf(descriptor)}`)
    fsyncSync(descriptor)
  })
  replaceFs(test, 'closeSync', (descriptor) => {
    if (nameOf(descriptor) === 'anchors.jsonl') happened.push('close')
    closeSync(descriptor)
  })
  replaceFs(test, 'rmSync', (path) => {
    happened.push('remove')
    rmSync(path)
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
