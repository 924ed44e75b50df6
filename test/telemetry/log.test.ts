import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import type { RequestEvent } from '../../src/telemetry/event.ts'
import { createLog, type Log } from '../../src/telemetry/log.ts'

const event: RequestEvent = {
  kind: 'mcp',
  outcome: 'allowed',
  requestId: 'of-the-request',
  httpMethod: 'POST',
  path: '/mcp',
  status: 200,
  durationMs: 1,
  address: undefined,
}

/** A log, with what it has written. */
function openLog(format: 'json' | 'text' = 'json', level = 'info'): { log: Log; written: () => string } {
  const destination = new PassThrough()
  let text = ''
  destination.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return { log: createLog({ level, format, destination }), written: () => text }
}

describe('the log', () => {
  it('has no secret that somebody put beside a message, or that an error tells', () => {
    const { log, written } = openLog()
    log.logger.info({ sent: { token: 'open-1', password: 'open-2', authorization: 'open-3' } }, 'sent')
    log.logger.error({ err: new Error('postgres://portcullis:open-4@db/portcullis is away') }, 'fault')
    assert.match(written(), /postgres:\/\/portcullis:\[redacted\]@db/)
    assert.doesNotMatch(written(), /open-\d/)
  })

  for (const format of ['json', 'text'] as const)
    it(`says what a fault was and what caused it, without secrets: ${format}`, () => {
      const { log, written } = openLog(format)
      const cause = new Error('postgres://portcullis:open-5@db is full', { cause: 'a text' })
      log.logger.error({ err: new Error('this cannot be written', { cause }) }, 'fault')
      const why = /this cannot be written \(postgres:\/\/portcullis:\[redacted\]@db is full\)/
      assert.match(written(), why)
      if (format === 'text') assert.match(written(), new RegExp(`ERROR.*: fault: ${why.source}\n$`))
      assert.doesNotMatch(written(), /open-5/)
    })

  it('has by another level what that says, of requests and of all else', () => {
    const { log, written } = openLog()
    log.setLevel('warn')
    log.logger.info({}, 'told')
    log.request(event)
    assert.equal(written(), '')
    log.request({ ...event, outcome: 'failed' })
    log.setLevel('info')
    log.logger.info({}, 'told')
    assert.deepEqual(
      written()
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { level: number }).level),
      [40, 30],
    )
  })

  it('tells a person in one line what was asked, by whom, through what, and why not', () => {
    const lineOf = (more: Partial<RequestEvent>): string => {
      const { log, written } = openLog('text')
      log.request({ ...event, ...more })
      return written().replace(/^\[[\d:]+\] /, '')
    }
    const call = { methods: ['tools/call'], object: 'rm', subject: 'ada', clientId: 'cli' }
    assert.equal(lineOf(call), 'INFO: mcp    200 tools/call rm (ada via cli) 1.0 ms [of-the-request]\n')
    assert.equal(
      lineOf({ ...call, outcome: 'denied', code: 'object_denied', reason: 'a rule', status: 403 }),
      'INFO: mcp    403 tools/call rm (ada via cli) denied: object_denied: a rule 1.0 ms [of-the-request]\n',
    )
    assert.equal(
      lineOf({ outcome: 'failed', status: 500, reason: 'fault' }),
      'WARN: mcp    500 POST /mcp failed: fault 1.0 ms [of-the-request]\n',
    )
    const token = { kind: 'oauth', path: '/token', step: 'token', grantType: 'refresh_token' } as const
    assert.equal(
      lineOf({ ...token, clientId: 'cli' }),
      'INFO: oauth  200 POST /token token refresh_token (cli) 1.0 ms [of-the-request]\n',
    )
  })

  it('says which worker and which tenant a line is of, where there are several', () => {
    const ofLine = (worker: number | undefined, tenant: string | undefined): object => {
      const destination = new PassThrough()
      const log = createLog({ level: 'info', format: 'json', destination, worker })
      const own = tenant === undefined ? log : log.forTenant(tenant)
      own.request(event)
      const { worker: at, tenant: of } = JSON.parse(String(destination.read())) as Record<string, unknown>
      return [at, of]
    }
    assert.deepEqual(ofLine(undefined, undefined), [undefined, undefined])
    assert.deepEqual(ofLine(2, undefined), [2, undefined])
    assert.deepEqual(ofLine(undefined, 'acme'), [undefined, 'acme'])
    assert.deepEqual(ofLine(2, 'acme'), [2, 'acme'])
  })

  it('tells a person once of what is handed on, and a machine twice', () => {
    const proxied = { ...event, kind: 'proxy' } as const
    for (const [format, lines] of [
      ['text', 0],
      ['json', 1],
    ] as const) {
      const { log, written } = openLog(format)
      log.request(proxied)
      assert.equal(written().split('of-the-request').length - 1, lines, format)
    }
  })
})
