import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RecordedEvent } from '../../src/audit/event.ts'
import { matches } from '../../src/audit/filter.ts'
import { csvHeader, writeCsv } from '../../src/audit/write-csv.ts'
import { writeOcsf } from '../../src/audit/write-ocsf.ts'

const event = (facts: Partial<RecordedEvent> = {}): RecordedEvent => ({
  v: 1,
  chain: 'c',
  seq: 1,
  prev: '',
  time: '2026-11-27T12:00:00.000Z',
  event: 'mcp.call',
  outcome: 'allowed',
  requestId: 'r-1',
  address: '10.0.0.7',
  subject: 'ada',
  clientId: 'inspector',
  upstream: 'files',
  method: 'tools/call',
  object: 'read',
  ...facts,
})

describe('CSV', () => {
  it('is taken for formulas by no spreadsheet, whatever clients call their tools', () => {
    for (const object of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '=HYPERLINK("http://evil","x")']) {
      const [line = ''] = writeCsv([event({ object })]).split('\n')
      assert.doesNotMatch(line, /(?:^|,)"?[=+\-@\t\r]/, JSON.stringify(object))
      assert.ok(line.includes(`'${object.slice(0, 1)}`) || line.includes(`"'${object.slice(0, 1)}`))
    }
  })

  it('has a heading, and quotes what needs it', () => {
    assert.match(csvHeader, /^time,event,outcome,subject,clientId,/)
    assert.match(writeCsv([event({ object: 'a "b", c' })]), /"a ""b"", c"/)
  })
})

describe('OCSF', () => {
  const classOf = (facts: Partial<RecordedEvent>): unknown =>
    (writeOcsf(event(facts), '1.0.0') as { type_uid: number }).type_uid

  it('has the class and activity of each event', () => {
    assert.equal(classOf({}), 600303)
    assert.equal(classOf({ method: 'resources/read' }), 600302)
    assert.equal(classOf({ event: 'oauth.login' }), 300201)
    assert.equal(classOf({ event: 'oauth.logout' }), 300202)
    assert.equal(classOf({ event: 'oauth.token', scopes: ['mcp:*'] }), 300301)
    assert.equal(classOf({ event: 'admin.user', action: 'user disable' }), 300409)
    assert.equal(classOf({ event: 'oauth.revocation' }), 300404)
  })

  it('has what its classes require', () => {
    const call = writeOcsf(
      event({ outcome: 'denied', code: 'object_denied', status: 403 }),
      '1.0.0',
    ) as Record<string, unknown>
    for (const required of [
      'activity_id',
      'category_uid',
      'class_uid',
      'severity_id',
      'time',
      'metadata',
      'actor',
    ])
      assert.ok(call[required] !== undefined, required)
    assert.deepEqual([call['status_id'], call['status_code']], [2, 'object_denied'])
    assert.deepEqual(call['api'], {
      operation: 'tools/call',
      service: { name: 'files' },
      request: { uid: 'r-1' },
    })
    assert.deepEqual(call['src_endpoint'], { ip: '10.0.0.7' })
    const login = writeOcsf(event({ event: 'oauth.login' }), '1.0.0') as Record<string, unknown>
    assert.deepEqual([login['user'], login['service']], [{ uid: 'ada', name: 'ada' }, { name: 'Portcullis' }])
  })
})

describe('a query', () => {
  it('goes by each of its conditions', () => {
    assert.ok(matches({}, event()))
    assert.ok(matches({ event: 'mcp', subject: 'ada', client: 'inspector', upstream: 'files' }, event()))
    assert.ok(!matches({ event: 'mc' }, event()))
    for (const other of [
      { subject: 'bob' },
      { outcome: 'denied' },
      { object: 'write' },
      { requestId: 'r-2' },
    ] as const)
      assert.ok(!matches(other, event()), JSON.stringify(other))
    const noon = Date.parse('2026-11-27T12:00:00.000Z')
    assert.ok(matches({ since: noon, until: noon + 1 }, event()))
    assert.ok(!matches({ since: noon + 1 }, event()) && !matches({ until: noon }, event()))
  })
})
