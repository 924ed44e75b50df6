import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Dispatcher } from 'undici'
import type { StreamEvent } from '../../src/http/event-stream.ts'
import { NoStream, newPlace, readStream, takeEvent } from '../../src/upstream/streamable/read-stream.ts'

const event = (fields: Partial<StreamEvent>): StreamEvent => ({
  type: 'message',
  data: undefined,
  id: undefined,
  retryMilliseconds: undefined,
  ...fields,
})

describe('the pause before the gate comes back to a stream', () => {
  it('is what the server asked for last, until it asks for another one', () => {
    const place = newPlace()
    assert.equal(place.pauseMilliseconds, 1000)
    takeEvent(event({ id: '1', retryMilliseconds: 5000 }), place)
    takeEvent(event({ id: '2', data: '{"jsonrpc":"2.0","method":"x"}' }), place)
    assert.deepEqual(place, { lastEventId: '2', pauseMilliseconds: 5000 })
    takeEvent(event({ retryMilliseconds: 200 }), place)
    assert.deepEqual(place, { lastEventId: '2', pauseMilliseconds: 200 })
  })

  it('is never none, and never long (A71)', () => {
    const place = newPlace()
    takeEvent(event({ retryMilliseconds: 0 }), place)
    assert.equal(place.pauseMilliseconds, 100)
    takeEvent(event({ retryMilliseconds: 999_999_999 }), place)
    assert.equal(place.pauseMilliseconds, 30_000)
  })
})

describe('a server without streams', () => {
  for (const [status, type] of [
    [405, 'text/plain'],
    [501, 'text/html'],
    [200, 'text/html'],
    [200, 'application/json'],
    [200, undefined],
  ] as const) {
    it(`is asked no more for one, and lets no answer go on: ${status} ${type}`, async () => {
      let dumped = 0
      const answer = {
        statusCode: status,
        headers: { 'content-type': type },
        body: { dump: async () => void dumped++ },
      } as unknown as Dispatcher.ResponseData
      const error: unknown = await readStream(async () => answer, newPlace())
        .next()
        .catch((thrown: unknown) => thrown)
      assert.ok(error instanceof NoStream)
      assert.deepEqual([error.code, dumped], ['upstream_interrupted', 1])
    })
  }
})
