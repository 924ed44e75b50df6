import assert from 'node:assert/strict'
import fs, { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { openAppender } from '../../src/audit/append.ts'
import { filePaths } from '../../src/audit/files.ts'
import { Refusal } from '../../src/core/errors.ts'
import { fillDisk } from '../support/fill-disk.ts'
import { replaceFs } from '../support/replace-fs.ts'
import { makeTrailFolder, someEvent } from '../support/trail.ts'
import { until } from '../support/until.ts'

const day = 24 * 3600 * 1000

describe('the trail', () => {
  it('has written what was committed when the call returns, and what was recorded when the turn is over', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    trail.record(someEvent('first'))
    trail.record(someEvent('second'))
    assert.equal(made.lines().length, 1, 'nothing but the beginning')
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(made.lines().length, 3)
    trail.record(someEvent('third'))
    trail.commit(someEvent('fourth'))
    assert.deepEqual(
      made.lines().map((line) => (JSON.parse(line) as { object?: string }).object),
      [undefined, 'first', 'second', 'third', 'fourth'],
    )
    trail.record(someEvent('fifth'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(made.lines().length, 6, 'in each turn')
    await trail.close()
  })

  it('has its place signed once, however often, until another event comes', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    trail.checkpoint()
    assert.equal(made.lines().length, 1, 'nothing but the beginning, which is signed')
    trail.commit(someEvent('one'))
    trail.checkpoint()
    trail.checkpoint()
    assert.equal(made.lines().length, 3)
    await trail.close()
  })

  it('goes on to another file when one is full and when the day is over, and never back', async () => {
    const made = makeTrailFolder()
    const trail = made.open({ fileBytes: 700 })
    const other = made.open({ fileBytes: 700 })
    for (let call = 0; call < 20; call++) (call % 2 === 0 ? trail : other).commit(someEvent(`call-${call}`))
    made.clock.advance(day)
    trail.commit(someEvent('tomorrow'))
    made.clock.advance(-2 * day)
    trail.commit(someEvent('a clock that was set back'))
    await trail.close()
    await other.close()
    const names = readdirSync(made.folder)
    assert.ok(names.filter((name) => name.startsWith('audit-2026-11-27.')).length >= 3)
    assert.match(names.at(-1) ?? '', /^audit-2026-11-28\./)
    assert.ok(!names.some((name) => name.includes('2026-11-26')))
    assert.deepEqual((await made.verify()).findings, [])
  })

  it('ends a line that was torn, so that the next event stands by itself', async () => {
    const made = makeTrailFolder()
    await made.open().close()
    appendFileSync(filePaths(made.folder)[0] as string, '{"v":1,"chain":"to')
    const trail = made.open()
    trail.commit(someEvent('after'))
    await trail.close()
    const { findings, events, torn } = await made.verify()
    assert.deepEqual([findings, events, torn], [[], 5, 1])
  })

  it('does not open where the folder cannot be written, and says what mends it', () => {
    const made = makeTrailFolder()
    writeFileSync(made.folder, 'a file')
    assert.throws(() => made.open(), /the folder of the audit, .*, cannot be written .*audit\.folder/)
  })

  for (const [what, leave] of [
    ['removed', (path: string) => rmSync(path)],
    ['moved', (path: string) => renameSync(path, `${path}.1`)],
    ['removed the folder of', (path: string) => rmSync(dirname(path), { recursive: true })],
  ] as const)
    it(`says that somebody ${what} its file, and goes on in another one`, async () => {
      const made = makeTrailFolder()
      const trail = made.open()
      trail.commit(someEvent('gone'))
      const [path = ''] = filePaths(made.folder)
      leave(path)
      await until(() => made.faults.length > 0)
      assert.match(String(made.faults), /somebody has moved or removed .*audit-2026-11-27\.00001\.jsonl/)
      trail.commit(someEvent('kept'))
      assert.deepEqual(
        filePaths(made.folder).map((file) => basename(file)),
        ['audit-2026-11-27.00002.jsonl'],
        'under a name of its own, as sinks have come so far in the other one',
      )
      await trail.close()
      assert.match((await made.verify()).findings[0]?.message ?? '', /numbers 0 to 1 .* are missing/)
      assert.equal(made.faults.length, 1, 'told once')
    })

  it('takes nothing amiss of a file of a day that is over, which may have been pruned', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    const [path = ''] = filePaths(made.folder)
    made.clock.advance(day)
    rmSync(path)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    trail.commit(someEvent('after an idle day'))
    await trail.close()
    assert.deepEqual(made.faults, [])
    assert.equal(made.lines().length, 2)
  })
})

/** A trail whose next file cannot be opened: a folder stands in its place. */
function brokenTrail(whenUnwritable: 'continue' | 'refuse') {
  const made = makeTrailFolder()
  const trail = made.open({ whenUnwritable, waitingBytes: 20_000 })
  trail.commit(someEvent('before'))
  made.clock.advance(day)
  const obstacle = join(made.folder, 'audit-2026-11-28.00001.jsonl')
  mkdirSync(obstacle)
  const mend = async (): Promise<void> => {
    rmSync(obstacle, { recursive: true })
    await new Promise((resolve) => setTimeout(resolve, 1100))
  }
  return { made, trail, mend }
}

describe('on a full disk', () => {
  it('nothing opens, which says where there is no room', (test) => {
    const made = makeTrailFolder()
    fillDisk(test, 0)
    const reason =
      /the folder of the audit, .*audit, cannot be written \(no space.*: make room there, or .*audit\.folder/
    assert.throws(() => made.open(), reason)
  })

  for (const who of ['another process', 'a command'])
    it(`a line of which a part was written does not spoil that of ${who}, nor itself`, async (test) => {
      const made = makeTrailFolder()
      const [trail, other] = [made.open(), made.open()]
      const disk = fillDisk(test, 1000)
      for (const call of ['one', 'two', 'three', 'four', 'five']) trail.commit(someEvent(call))
      assert.equal(made.faults.length, 1)
      disk.free()
      const next = who === 'a command' ? made.open() : other
      next.commit(someEvent('of the other'))
      await until(() => made.lines().join('').includes('"five"'), 'what waits is written')
      await Promise.all([...new Set([trail, other, next])].map((one) => one.close()))
      assert.deepEqual((await made.verify()).findings, [])
    })
})

it('a disk that stays full costs no file descriptors where the next file ends with a torn line', (test) => {
  const { folder, clock } = makeTrailFolder()
  const appender = openAppender({ folder, fileBytes: 1_000_000, now: () => clock.now() })
  test.after(() => appender.close())
  const open: string[] = []
  const { openSync, closeSync } = fs
  replaceFs(test, 'openSync', (...given) => {
    const descriptor = openSync(...given)
    open.push(String(descriptor))
    return descriptor
  })
  replaceFs(test, 'closeSync', (descriptor) => {
    open.splice(open.indexOf(String(descriptor)), 1)
    closeSync(descriptor)
  })
  clock.advance(day)
  writeFileSync(join(folder, 'audit-2026-11-28.00001.jsonl'), '{"v":1')
  fillDisk(test, 0)
  for (let attempt = 0; attempt < 3; attempt++) assert.throws(() => appender.append('line\n'), /no space/)
  assert.deepEqual(open, [])
})

describe('while there is hardly any room', () => {
  for (const whenUnwritable of ['refuse', 'continue'] as const)
    it(`decisions are refused before they take effect, if at all: ${whenUnwritable}`, async (test) => {
      const made = makeTrailFolder()
      const trail = made.open({ whenUnwritable })
      const { statfsSync } = fs
      let left = 100_000
      const statfs = (path: string): fs.StatsFs => Object.assign(statfsSync(path), { bavail: left, bsize: 1 })
      replaceFs(test, 'statfsSync', (path) => statfs(String(path)))
      if (whenUnwritable === 'refuse') {
        assert.throws(() => trail.checkReady(), /cannot be written: less than 1 MB is left/)
        for (let request = 0; request < 2; request++) assert.throws(() => trail.check(), Refusal)
        assert.match(
          String(made.faults),
          /less than 1 MB is left for the audit in .*audit: nothing is decided/,
        )
      } else trail.check()
      trail.commit(someEvent('decided before'))
      left = 100_000_000
      trail.check()
      trail.checkReady()
      await trail.close()
      assert.equal(made.faults.length, whenUnwritable === 'refuse' ? 1 : 0, 'told once')
    })
})

describe('while events cannot be written', () => {
  it('they wait, and are written in their order once that is possible', async () => {
    const { made, trail, mend } = brokenTrail('continue')
    for (const name of ['one', 'two', 'three']) trail.commit(someEvent(name))
    trail.check()
    assert.equal(made.faults.length, 1, 'told once')
    await mend()
    trail.commit(someEvent('four'))
    await trail.close()
    assert.deepEqual((await made.verify()).findings, [])
    assert.match(made.lines().join('\n'), /one[^]*two[^]*three[^]*four/)
  })

  it('nothing is decided where the operator wants no decision without its event', async () => {
    const { made, trail, mend } = brokenTrail('refuse')
    const refuses = (error: unknown): boolean =>
      error instanceof Refusal && error.code === 'audit_unavailable'
    assert.throws(() => trail.record(someEvent('refused')), refuses)
    assert.throws(() => trail.check(), refuses)
    await mend()
    trail.check()
    trail.record(someEvent('allowed'))
    assert.match(made.lines().at(-1) ?? '', /allowed/, 'written before record returns')
    await trail.close()
    assert.deepEqual((await made.verify()).findings, [])
  })

  it('what finds no room to wait is counted, logged and told by the trail itself', async () => {
    const { made, trail, mend } = brokenTrail('continue')
    const long = 'x'.repeat(1000)
    const events = 50
    for (let event = 0; event < events; event++) trail.commit(someEvent(long))
    assert.ok(trail.lost > 0 && trail.lost < events)
    assert.match(made.faults.join(), /events of the audit are lost/)
    await mend()
    await trail.close()
    const { findings } = await made.verify()
    assert.deepEqual(
      findings.map(({ kind }) => kind),
      ['lost'],
    )
    assert.match(findings[0]?.message ?? '', new RegExp(`^${trail.lost} events were never written`))
  })

  it('the end says when something is left', async () => {
    const { trail, made } = brokenTrail('continue')
    trail.commit(someEvent('left'))
    await assert.rejects(trail.close(), /could not be written/)
    rmSync(dirname(made.folder), { recursive: true })
  })
})
