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
