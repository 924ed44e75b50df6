import assert from 'node:assert/strict'
import { it } from 'node:test'
import { collectDecisions } from '../../src/audit/report/collect.ts'
import { accessReviewPage } from '../../src/audit/report/page.ts'
import { selectEvents } from '../../src/audit/select-events.ts'
import { syslogMessage } from '../../src/audit/sinks/syslog-message.ts'
import { writeCsv } from '../../src/audit/write-csv.ts'
import { someReview } from '../support/review.ts'
import { makeTrailFolder, someEvent } from '../support/trail.ts'

/** What somebody who can write the files can put in, in the shape of an event. */
const madeUp: readonly object[] = [
  { subject: null },
  { subject: { name: 'ada' } },
  { scopes: 'mcp:*' },
  { scopes: [{}] },
  { missing: {} },
  { missing: null },
  { object: ['read'] },
  { arguments: null },
  { batch: 1.5 },
  { status: '200' },
  { outcome: 5 },
  { operator: 'root', action: {} },
  { time: 'noon' },
  { time: '2026-13-45T12:00:00.000Z' },
  { time: '2026-02-31T12:00:00.000Z' },
  { time: '2026-11-27T24:00:00.000Z' },
  { time: '0000-01-01T12:00:00.000Z' },
  { time: '2026-11-27T12:00:00.000Z\n<108>1 made up' },
]

it('a made-up line in the shape of an event is found, and stops no export, review or message (N34)', async () => {
  const made = makeTrailFolder()
  const trail = made.open()
  trail.commit(someEvent('real'))
  await trail.close()
  const real = made.lines()[1] ?? ''
  const lines = madeUp.map((facts) => JSON.stringify({ ...JSON.parse(real), ...facts }))
  made.rewrite((before) => [...before, ...lines])
  const kinds = (await made.verify()).findings.map(({ kind }) => kind)
  assert.deepEqual(
    kinds,
    lines.map(() => 'unreadable'),
  )
  const collected = collectDecisions('https://mcp.example.com')
  let csv = ''
  const read = async function* () {
    yield { source: 'file', first: 1, lines: made.lines(), bytes: 0 }
  }
  for await (const selected of selectEvents(read(), {})) {
    csv += writeCsv(selected.map(({ event }) => event))
    for (const { event } of selected) collected.add(event)
  }
  assert.match(csv, /^[^\n]*real[^\n]*\n$/)
  assert.match(
    await accessReviewPage(someReview({ decisions: collected.result() })),
    /1 decisions, from 2026-/,
  )
  for (const line of lines) assert.doesNotMatch(syslogMessage(line, '', { host: 'gate', pid: 1 }), /\n/)
})
