import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { eventNames, outcomes, type RecordedEvent } from '../../src/audit/event.ts'
import { type EventFilter, matches } from '../../src/audit/filter.ts'
import { selectEvents } from '../../src/audit/select-events.ts'
import { formatLine } from '../../src/audit/sinks/format.ts'
import { csvHeader, writeCsv } from '../../src/audit/write-csv.ts'
import { writeOcsf } from '../../src/audit/write-ocsf.ts'
import { faultsOf } from '../support/ocsf.ts'

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

  it('is taken for formulas by no spreadsheet that splits at semicolons, tabs or the line breaks within quotes', () => {
    for (const sign of ['=', '+', '-', '@', '\uFF1D']) {
      for (const separator of [';', '\t', '\n', '\r\n', '; ', ';;', ';"', ';""', ';\t']) {
        const written = writeCsv([event({ object: `x${separator}${sign}1;`, path: `/;${sign}1;` })])
        const parts = written.split(/[;\t\r\n]/).map((part) => part.replace(/^[\s"]+/, ''))
        assert.ok(!parts.some((part) => part.startsWith(sign)), JSON.stringify(written))
        assert.ok(written.includes(`/;'${sign}1;`))
      }
    }
    assert.match(writeCsv([event({ object: 'a;b -c; d=1 - 2' })]), /,a;b -c; d=1 - 2,/)
  })

  it('has a column for everything that an event says, but for what holds the chain together', () => {
    const members: Record<keyof RecordedEvent, string | number | string[] | object> = {
      v: 1,
      chain: 'c',
      seq: 7,
      prev: 'p',
      time: 't',
      tenant: 'acme',
      event: 'mcp.call',
      outcome: 'denied',
      requestId: 'r-1',
      address: '10.0.0.7',
      issuer: 'i',
      subject: 's',
      clientId: 'client',
      grant: 'g',
      actor: 'robot',
      upstream: 'u',
      era: 'legacy',
      method: 'm',
      object: 'o',
      arguments: { hash: 'h' },
      batch: 3,
      scopes: ['a', 'b'],
      missing: ['c'],
      httpMethod: 'POST',
      path: '/mcp',
      status: 403,
      grantType: 'refresh_token',
      resourceAsked: 'r/',
      code: 'object_denied',
      reason: 'why',
      operator: 'root',
      action: 'act',
      target: 'it',
    }
    const named = csvHeader.trimEnd().split(',')
    assert.deepEqual(
      named.toSorted(),
      Object.keys(members)
        .filter((name) => name !== 'v' && name !== 'prev')
        .toSorted(),
    )
    const cells = writeCsv([members as unknown as RecordedEvent])
      .trimEnd()
      .split(',')
    for (const name of ['era', 'batch', 'httpMethod', 'path'] as const)
      assert.equal(cells[named.indexOf(name)], String(members[name]))
  })

  it('has what is left of arguments as JSON', () => {
    for (const [kept, written] of [
      [{ hash: 'h' }, '"{""hash"":""h""}"'],
      [{ redacted: { path: '/x' } }, '"{""redacted"":{""path"":""/x""}}"'],
    ] as const)
      assert.ok(writeCsv([event({ arguments: kept })]).includes(`,${written},`))
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

  /** Everything that an event can say, each in words of its own. */
  const full: Partial<RecordedEvent> = {
    tenant: 'acme',
    issuer: 'https://mcp.example.com',
    grant: 'grant-1',
    actor: 'robot-1',
    era: 'legacy',
    batch: 3,
    scopes: ['mcp:tools:execute'],
    missing: ['mcp:prompts:read'],
    arguments: { hash: 'hash-1' },
    httpMethod: 'POST',
    path: '/files/mcp',
    status: 403,
    grantType: 'refresh_token',
    resourceAsked: 'resource-1',
    code: 'object_denied',
    reason: 'reason-1',
  }
  const actions = ['user add', 'user disable', 'user enable', 'key retire', 'revoke', 'token', 'restore']
  const written = (facts: Partial<RecordedEvent>): Record<string, unknown> =>
    JSON.parse(JSON.stringify(writeOcsf(event(facts), '1.0.0'))) as Record<string, unknown>
  const withoutFacts = {
    requestId: undefined,
    address: undefined,
    subject: undefined,
    clientId: undefined,
    upstream: undefined,
    method: undefined,
    object: undefined,
  }

  it('has what OCSF 1.6 requires of each class, in its types and values, whatever an event says', () => {
    const trail = ['audit.begin', 'audit.checkpoint', 'audit.gap', 'audit.end'] as const
    const kinds = [...eventNames, ...trail].flatMap((name): Partial<RecordedEvent>[] => {
      if (name.startsWith('audit.')) return [{ event: name, outcome: undefined, ...withoutFacts }]
      const facts = outcomes.flatMap((outcome) => [
        { event: name, outcome, ...full },
        { event: name, outcome, ...withoutFacts },
        { event: name, outcome, ...withoutFacts, httpMethod: 'PROPFIND' },
      ])
      const operator = { event: name, operator: 'root', target: 'bob', ...withoutFacts } as const
      return name.startsWith('admin.')
        ? [...facts, ...actions.map((action) => ({ ...operator, action }))]
        : facts
    })
    for (const kind of kinds)
      assert.deepEqual(faultsOf(written(kind)), [], `${kind.event} ${kind.outcome} ${kind.action}`)
  })

  it('has what OCSF 1.6 requires also for events and outcomes of a newer version', () => {
    for (const name of ['mcp.novelty', 'audit.novelty', 'constructor'])
      for (const outcome of ['postponed', 'toString', undefined])
        assert.deepEqual(faultsOf(written({ event: name, outcome } as never)), [], `${name} ${outcome}`)
  })

  it('keeps everything that an event says', () => {
    for (const name of eventNames.filter((one) => !one.startsWith('admin.'))) {
      const text = JSON.stringify(written({ event: name, ...full }))
      const { arguments: given, batch, ...texts } = full
      for (const value of [
        ...Object.values(texts).flat(),
        given?.hash,
        `"batch":${batch}`,
        '10.0.0.7',
        'ada',
      ])
        assert.ok(text.includes(String(value)), `${name} without ${String(value)}`)
    }
    const text = JSON.stringify(written({ ...full, grant: undefined, httpMethod: 'PROPFIND' }))
    for (const value of ['https://mcp.example.com', 'PROPFIND']) assert.ok(text.includes(value), value)
  })

  it('tells events that are lost as a failure, and the signatures of a trail as none', () => {
    const judged = (name: RecordedEvent['event']): unknown[] => {
      const { status_id: status, severity_id: severity } = written({ event: name, outcome: undefined })
      return [status, severity]
    }
    assert.deepEqual(
      [judged('audit.checkpoint'), judged('audit.gap')],
      [
        [1, 1],
        [2, 4],
      ],
    )
  })

  it('says what an operator did, by the ids of its class', () => {
    const did = (action: string): unknown => written({ event: 'admin.user', action })['activity_id']
    assert.deepEqual(['user add', 'user invite', 'user password'].map(did), [1, 1, 3])
    assert.deepEqual(['user remove', 'key retire'].map(did), [4, 4])
    assert.deepEqual(['user enable', 'user disable'].map(did), [8, 9])
  })

  it('goes to a sink line by line, and a torn line as the text that it is, so that the rest can follow', () => {
    const [torn, whole] = ['{"v":1,"chain":"to', JSON.stringify(event())]
    for (const format of ['events', 'ocsf'] as const)
      assert.equal(formatLine(format, '1.0.0')(torn), JSON.stringify(torn))
    assert.equal(formatLine('events', '1.0.0')(whole), whole)
    assert.deepEqual(JSON.parse(formatLine('ocsf', '1.0.0')(whole)), written({}))
  })

  it('has the reason, the call and the caller where readers look for them', () => {
    const call = written({ outcome: 'denied', code: 'object_denied', status: 403 })
    assert.deepEqual([call['status_id'], call['status_code']], [2, 'object_denied'])
    assert.deepEqual(call['api'], {
      operation: 'tools/call',
      service: { name: 'files' },
      request: { uid: 'r-1' },
    })
    assert.deepEqual(call['src_endpoint'], { ip: '10.0.0.7' })
    const login = written({ event: 'oauth.login' })
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

describe('portcullis audit export', () => {
  it('ends without a word where its reader has seen enough, such as `head`', {
    timeout: 30_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-exports-'))
    const program = join(import.meta.dirname, '../../bin/portcullis.js')
    const args = [program, 'audit', 'export', folder, '--format', 'csv']
    const command = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    command.stdout.destroy() // long before the heading is written
    const [said, [code]] = await Promise.all([readText(command.stderr), once(command, 'exit')])
    assert.equal(said, '')
    assert.equal(code, 0)
  })
})

describe('the events that are asked for', () => {
  it('leave out what the trail says of itself, unless that is named, and lines that are no event', async () => {
    const { event: _, ...nameless } = event()
    const events = [
      event({ event: 'audit.begin' }),
      event(),
      event({ event: 'oauth.token', outcome: 'denied' }),
    ]
    const lines = [
      '',
      'torn',
      'null',
      '7',
      ...[nameless, { ...event(), v: 2 }, { ...event(), seq: '1' }, ...events].map((one) =>
        JSON.stringify(one),
      ),
    ]
    const select = async (filter: EventFilter): Promise<string[]> => {
      async function* batches() {
        yield { source: 'a file', first: 1, lines, bytes: 1 }
        yield { source: 'a file', first: 1, lines: ['torn'], bytes: 2 }
      }
      const found: string[] = []
      for await (const some of selectEvents(batches(), filter)) {
        assert.ok(some.length > 0, 'where nothing is meant there is nothing to write')
        found.push(...some.map((one) => one.event.event))
      }
      return found
    }
    assert.deepEqual(await select({}), ['mcp.call', 'oauth.token'])
    assert.deepEqual(await select({ event: 'audit' }), ['audit.begin'])
    assert.deepEqual(await select({ event: 'audit.begin' }), ['audit.begin'])
    assert.deepEqual(await select({ outcome: 'denied' }), ['oauth.token'])
    assert.deepEqual(await select({ event: 'oauth' }), ['oauth.token'])
    assert.deepEqual(await select({ event: 'mcp.c' }), [])
  })
})
