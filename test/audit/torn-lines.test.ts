import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { deliveryTo } from '../../src/audit/delivery.ts'
import { filePaths, listFiles } from '../../src/audit/files.ts'
import { readLines } from '../../src/audit/read-lines.ts'
import { selectEvents } from '../../src/audit/select-events.ts'
import { separateTorn } from '../../src/audit/torn-lines.ts'
import type { Verification } from '../../src/audit/verify.ts'
import { makeTrailFolder, someEvent, type TrailFolder } from '../support/trail.ts'

const day = 24 * 3600 * 1000

/** The objects of the events of a folder that can be found. */
async function objectsOf({ folder }: TrailFolder): Promise<(string | undefined)[]> {
  const objects: (string | undefined)[] = []
  for await (const selected of selectEvents(readLines(filePaths(folder)), {}))
    objects.push(...selected.map(({ event }) => event.object))
  return objects
}

/** What one process wrote that was killed when that much of its last event was there, and another one behind it. */
async function killWhileWriting(written: (line: string) => number): Promise<TrailFolder> {
  const made = makeTrailFolder()
  const other = made.open()
  const killed = made.open()
  killed.commit(someEvent('whole'))
  killed.checkpoint()
  killed.commit(someEvent('torn'))
  const [path = ''] = filePaths(made.folder)
  const last = made.lines().at(-1) ?? ''
  truncateSync(path, readFileSync(path).length - `${last}\n`.length + written(last))
  other.commit(someEvent('behind it'))
  other.commit(someEvent('later'))
  await other.close()
  return made
}

const spots = ({ findings }: Verification): string[] => findings.map(({ kind, line }) => `${kind} ${line}`)

describe('an event that is torn, since its process was killed while it wrote (N34)', () => {
  for (const written of [1, 10, 30, 60, 200])
    it(`is no sign of a change, and hides no event of another process: ${written} characters`, async () => {
      const made = await killWhileWriting(() => written)
      const verified = await made.verify()
      assert.deepEqual(spots(verified), [])
      assert.deepEqual([verified.torn, verified.open], [1, 1])
      assert.deepEqual(await objectsOf(made), ['whole', 'behind it', 'later'])
    })

  it('can lack its line break alone', async () => {
    const made = await killWhileWriting((line) => line.length)
    assert.deepEqual(spots(await made.verify()), [])
    assert.deepEqual(await objectsOf(made), ['whole', 'torn', 'behind it', 'later'])
  })

  it('leaves all line numbers as they are', async () => {
    const made = await killWhileWriting(() => 60)
    const changed = made.lines().map((line) => line.replace('"later"', '"sooner"'))
    writeFileSync(filePaths(made.folder)[0] ?? '', changed.map((line) => `${line}\n`).join(''))
    const line = changed.findIndex((text) => text.includes('"sooner"')) + 1
    assert.deepEqual(spots(await made.verify()), [`changed ${line}`])
  })

  it('goes to a sink by itself, like the event behind it', async () => {
    const made = await killWhileWriting(() => 60)
    const delivered: string[] = []
    const deliver = async (lines: readonly string[]): Promise<void> => void delivered.push(...lines)
    const delivery = deliveryTo({ name: 'siem', deliver, close: async () => undefined }, made.folder)
    while (await delivery.step());
    const at = delivered.findIndex((line) => line.length === 60)
    assert.match(delivered[at + 1] ?? '', /^\{"v":1,.*"behind it"\}$/)
    assert.equal(delivery.waitingBytes, 0)
  })

  it('at the end of a file that is over goes to a sink as well, and not while somebody may write it', async () => {
    const made = makeTrailFolder()
    await made.open().close()
    const [name = ''] = listFiles(made.folder)
    const path = join(made.folder, name)
    appendFileSync(path, '{"v":1,"cha')
    const delivered: string[] = []
    const deliver = async (lines: readonly string[]): Promise<void> => void delivered.push(...lines)
    const delivery = deliveryTo({ name: 'siem', deliver, close: async () => undefined }, made.folder)
    const longAgo = new Date(Date.now() - day)
    utimesSync(path, longAgo, longAgo)
    while (await delivery.step());
    assert.equal(delivery.hasAll(name), false, 'the last file')
    made.clock.advance(day)
    await made.open().close()
    appendFileSync(path, 'in')
    while (await delivery.step());
    assert.equal(delivery.hasAll(name), false, 'written to just now')
    utimesSync(path, longAgo, longAgo)
    while (await delivery.step());
    assert.equal(delivery.hasAll(name), true)
    assert.ok(delivered.includes('{"v":1,"chain'))
  })

  it('is the end of a long file that is over, of which a sink gets whole lines until then', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    for (let count = 0; count < 1500; count++) trail.commit(someEvent(`${count} ${'x'.repeat(count % 600)}`))
    await trail.close()
    const written = made.lines()
    const [name = ''] = listFiles(made.folder)
    const path = join(made.folder, name)
    appendFileSync(path, '{"v":1,"cha')
    utimesSync(path, new Date(0), new Date(0))
    made.clock.advance(day)
    await made.open().close()
    const delivered: string[] = []
    const deliver = async (lines: readonly string[]): Promise<void> => void delivered.push(...lines)
    const delivery = deliveryTo({ name: 'siem', deliver, close: async () => undefined }, made.folder)
    while (await delivery.step());
    assert.deepEqual(delivered.slice(0, written.length + 1), [...written, '{"v":1,"cha'])
  })
})

describe('what only looks torn (N34)', () => {
  it('is a change where its chain goes on, had come further, or was over', async () => {
    const cut = async (object: string): Promise<string[]> => {
      const made = makeTrailFolder()
      const trail = made.open()
      for (const name of ['first', 'second']) trail.commit(someEvent(name))
      if (object === 'second') await made.open().close()
      else trail.commit(someEvent('third'))
      made.rewrite((lines) => lines.map((line) => (line.includes(`"${object}"`) ? line.slice(0, 90) : line)))
      return spots(await made.verify())
    }
    assert.deepEqual(await cut('first'), ['unreadable 2', 'removed 3'])
    assert.deepEqual(await cut('second'), ['removed 2'])

    const made = makeTrailFolder()
    await made.open().close()
    made.rewrite((lines) => [...lines, (lines[1] ?? '').replace('"seq":1,', '"seq":2,').slice(0, 60)])
    assert.deepEqual(spots(await made.verify()), ['unreadable 3'])
  })

  it('is a change where it is JSON, or begins otherwise', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    const [begin = ''] = made.lines()
    const next = begin.replace('"seq":0,', '"seq":1,')
    const strange = [
      '{}',
      '{"v":1,"chain":7}',
      'no event',
      ` ${next.slice(0, 60)}`,
      `{"v":1,"chain":"${'x'.repeat(60)}`,
    ]
    for (const line of [...strange, next.replace('"time":"', '"time":"no ')]) {
      made.rewrite((lines) => [...lines.slice(0, 1), line])
      assert.deepEqual(spots(await made.verify()), ['unreadable 2'], line)
    }
    made.rewrite((lines) => [...lines.slice(0, 1), next.slice(0, 60)])
    assert.deepEqual(spots(await made.verify()), [], 'the same, torn')
    await trail.close()
  })

  it('does not take an event apart whose arguments look like one', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    const nested = {
      v: 1,
      chain: 'made-up',
      seq: 0,
      prev: '',
      time: '2026-11-27T12:00:00.000Z',
      event: 'login',
    }
    trail.commit({ ...someEvent('odd'), arguments: { redacted: nested } })
    await trail.close()
    assert.deepEqual(await objectsOf(made), ['odd'])
    assert.deepEqual(spots(await made.verify()), [])
  })
})

describe('a file that is old enough goes (N34)', () => {
  it('also with a torn event in it, and where the trail says that events were lost', async () => {
    const made = await killWhileWriting(() => 60)
    const trail = made.open()
    appendFileSync(filePaths(made.folder)[0] ?? '', '')
    trail.commit({ event: 'audit.gap', outcome: 'allowed' } as never)
    trail.checkpoint()
    assert.deepEqual(
      (await made.verify()).findings.map(({ kind }) => kind),
      ['lost'],
    )
    made.clock.advance(day)
    trail.commit(someEvent('new'))
    await trail.close()
    assert.equal((await made.prune()).length, 1)
    assert.deepEqual(spots(await made.verify()), [])
  })

  it('but not where somebody changed it as well', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    trail.commit({ event: 'audit.gap', outcome: 'allowed' } as never)
    trail.commit(someEvent('one'))
    trail.checkpoint()
    made.rewrite((lines) => lines.map((line) => line.replace('"one"', '"two"')))
    made.clock.advance(day)
    trail.commit(someEvent('new'))
    await trail.close()
    await assert.rejects(made.prune(), /is old enough to be removed, but stays: .*:3 number 2 of chain/)
  })

  it('nor where so much was lost that a change is no longer listed', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    for (let count = 0; count < 1000; count++)
      trail.commit({ event: 'audit.gap', outcome: 'allowed' } as never)
    trail.commit(someEvent('one'))
    trail.checkpoint()
    made.rewrite((lines) => lines.map((line) => line.replace('"one"', '"two"')))
    made.clock.advance(day)
    trail.commit(someEvent('new'))
    await trail.close()
    await assert.rejects(made.prune(), /is old enough to be removed, but stays: /)
  })
})

describe('a line that somebody made up, full of what looks like the beginning of an event (N34)', () => {
  const opening = '{"v":1,"chain":"","x":'
  const whole = (levels: number): string => `${opening.repeat(levels)}1${'}'.repeat(levels)}`
  const cases: readonly (readonly [string, string])[] = [
    ['nested', whole(10_000)],
    ['nested, behind something else', `x${whole(10_000)}`],
    ['that never ends', opening.repeat(20_000)],
    ['and longer than any event', `x${opening.repeat(400_000)}`],
  ]
  for (const [what, line] of cases)
    it(`is read as quickly as others: ${what}`, () => {
      const since = performance.now()
      assert.deepEqual(separateTorn(line), [line])
      assert.ok(performance.now() - since < 1500, `${performance.now() - since} ms`)
    })
})
