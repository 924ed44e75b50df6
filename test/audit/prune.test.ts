import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readAnchors } from '../../src/audit/anchors.ts'
import { listFiles } from '../../src/audit/files.ts'
import { pruneTrail } from '../../src/audit/prune.ts'
import type { Trail } from '../../src/audit/trail.ts'
import { fillDisk } from '../support/fill-disk.ts'
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

const prune = ({ folder, keys, signer, clock }: TrailFolder): Promise<readonly string[]> => {
  const now = clock.now()
  const options = { folder, before: now, keys, signer: signer(), now, isDelivered: () => true }
  return pruneTrail(options)
}

describe('the anchor of a file that was pruned (N34)', () => {
  it('is not spoiled by one of which a part was written when the disk was full', async (test) => {
    const made = makeTrailFolder()
    await recordDays(made).close()
    const disk = fillDisk(test, 100)
    await assert.rejects(prune(made), { code: 'ENOSPC' })
    assert.equal(listFiles(made.folder).length, 3)
    disk.free()
    assert.equal((await prune(made)).length, 2)
    assert.deepEqual((await made.verify()).findings, [])
    assert.deepEqual(readAnchors(made.folder, made.keys).wrong, [])
  })

  it('is not spoiled by one that was torn when the machine stopped', async () => {
    const made = makeTrailFolder()
    await recordDays(made).close()
    const anchors = join(made.folder, 'anchors.jsonl')
    writeFileSync(anchors, '{"v":1,"time":"2026')
    assert.equal((await prune(made)).length, 2)
    assert.deepEqual((await made.verify()).findings, [])
    assert.match(readFileSync(anchors, 'utf8'), /^\{"v":1,"time":"2026\n\{.+\}\n\{.+\}\n$/)
  })
})
