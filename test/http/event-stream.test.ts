import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  EventTooLarge,
  endsEvent,
  eventReader,
  LastEvent,
  type StreamEvent,
} from '../../src/http/event-stream.ts'

function read(text: string, cuts: readonly number[] = []): StreamEvent[] {
  const bytes = Buffer.from(text)
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].toSorted(
    (left, right) => left - right,
  )
  const take = eventReader(10_000)
  return places.slice(1).flatMap((end, index) => take(bytes.subarray(places[index], end)))
}

const event = (data: string | undefined, more: Partial<StreamEvent> = {}): StreamEvent => ({
  type: 'message',
  data,
  id: undefined,
  retryMilliseconds: undefined,
  ...more,
})

describe('an event stream', () => {
  const cases: [string, string, StreamEvent[]][] = [
    ['an event', 'data: a\n\n', [event('a')]],
    ['all line breaks', 'data: a\r\n\r\ndata: b\r\rdata: c\n\n', [event('a'), event('b'), event('c')]],
    ['several lines', 'data: a\ndata\ndata:b\n\n', [event('a\n\nb')]],
    ['one space, no more', 'data:  a\n\n', [event(' a')]],
    ['a byte order mark', '\uFEFFdata: a\n\n', [event('a')]],
    ['comments', ': hello\n\ndata: a\n\n: bye\n\n', [event('a')]],
    [
      'all fields',
      'event: endpoint\nid: 7\nretry: 500\ndata: /x\n\n',
      [event('/x', { type: 'endpoint', id: '7', retryMilliseconds: 500 })],
    ],
    [
      'fields that are those of one event alone',
      'event: x\nid: 7\nretry: 500\ndata: a\n\ndata: b\n\n',
      [event('a', { type: 'x', id: '7', retryMilliseconds: 500 }), event('b')],
    ],
    ['an event without data that names a place', 'id: 1\ndata:\n\n', [event('', { id: '1' })]],
    ['a place alone', 'id: 1\n\n', [event(undefined, { id: '1' })]],
    ['fields that are wrong', 'retry: 5s\nid: \0\nwhat: x\ndata: a\n\n', [event('a')]],
    ['nothing of an event that is cut off', 'data: a\n\ndata: b\n', [event('a')]],
    ['text of any script', 'data: äöü 漢 🎉\n\n', [event('äöü 漢 🎉')]],
  ]
  for (const [what, text, events] of cases) {
    it(`with ${what} is read the same however it is cut`, () => {
      assert.deepEqual(read(text), events)
      fc.assert(fc.property(fc.array(fc.nat()), (cuts) => assert.deepEqual(read(text, cuts), events)))
    })
  }

  it('is complete at a carriage return, whose other half may still come', () => {
    const take = eventReader(1000)
    assert.deepEqual(take(Buffer.from('data: a\r\r')), [event('a')])
    assert.deepEqual(take(Buffer.from('data: b\r\n\r')), [event('b')])
    assert.deepEqual(take(Buffer.from('\ndata: c\r')), [])
    assert.deepEqual(take(Buffer.alloc(0)), [])
    assert.deepEqual(take(Buffer.from('\ndata: d\n\n')), [event('c\nd')])
  })

  it('may hold a long event in many small pieces (A71)', { timeout: 60_000 }, () => {
    const take = eventReader(16 << 20)
    const piece = Buffer.from('x'.repeat(1 << 10))
    take(Buffer.from('data: '))
    for (let count = 0; count < 15 << 10; count++) assert.deepEqual(take(piece), [])
    assert.equal(take(Buffer.from('\n\n'))[0]?.data?.length, 15 << 20)
  })

  it('cannot fill the memory, with one line or with many (A71)', () => {
    const line = eventReader(1000)
    assert.throws(() => {
      for (let count = 0; count < 20; count++) line(Buffer.from('x'.repeat(100)))
    }, EventTooLarge)
    const lines = eventReader(1000)
    assert.throws(() => {
      for (let count = 0; count < 200; count++) lines(Buffer.from('data: 123456\n'))
    }, EventTooLarge)
    assert.throws(() => eventReader(1000)(Buffer.from(`${'data: 123456\n'.repeat(200)}\n`)), EventTooLarge)
    const events = eventReader(1000)
    for (let count = 0; count < 200; count++) assert.equal(events(Buffer.from('data: 123456\n\n')).length, 1)
  })
})

describe('the last event of a stream', () => {
  const last = (...chunks: readonly string[]): string | undefined => {
    const kept = new LastEvent()
    let before = '\n\n'
    for (const chunk of chunks) {
      kept.take(Buffer.from(chunk), endsEvent(Buffer.from(before)))
      before = chunk
    }
    return kept.bytes?.toString()
  }
  const long = `data: ${'x'.repeat(1 << 19)}\n\n`

  it('is kept from its beginning on, and what came before it is not', () => {
    assert.equal(last(), '')
    assert.equal(last('data: 1\n\n', 'data: 2\n\n', 'data', ': 3\n', '\n'), 'data: 3\n\n')
    assert.equal(last(long, long, long, 'data: 2\n\n'), 'data: 2\n\n')
  })

  it('is kept where no piece ends with an event, of either kind of line breaks', () => {
    for (const end of ['\n\n', '\r\n\r\n']) {
      const flowing = Array.from({ length: 5 }, () => long.slice(0, -2) + end + long.slice(0, -2))
      const kept = last(...flowing, `${end}data: 2`, end)
      assert.ok(kept?.endsWith(`${end}data: 2${end}`) && kept.length < 2 * long.length)
    }
  })

  it('is no sign of life', () => {
    assert.equal(last('data: 1\n\n', ': \n\n', ': \n\n'), 'data: 1\n\n')
    assert.equal(last('data: 1\n\n', ': ping\n\ndata: 2\n\n'), ': ping\n\ndata: 2\n\n')
    assert.equal(last('data: 1\n\n', ': ping', '\ndata: 2\n\n'), ': ping\ndata: 2\n\n')
  })

  it('is not kept beyond a size, however many pieces follow (A36)', () => {
    const half = long.slice(0, -2)
    assert.equal(last('data: 1\n\n', half, half, half, '\n\n'), undefined)
    for (const end of [['\n', '\n'], ['\r\n\r\n'], ['\r\n', '\r', '\n']])
      assert.equal(last(half, half, half, ...end), undefined, JSON.stringify(end))
    assert.equal(last(half, half, half, '\n\n', 'data: 2\n\n'), 'data: 2\n\n')
    assert.equal(last(half, half, half, '\n', '\ndata: 2\n', '\n'), 'data: 2\n\n')
  })

  it('is none where a long one has not ended', () => {
    const half = long.slice(0, -2)
    for (const rest of ['', '\n', '\r\n']) {
      const kept = last('data: 1\n\n', half, half, half, rest)
      assert.deepEqual(kept && eventReader(9)(Buffer.from(kept)), [])
    }
  })
})

describe('a chunk of an event stream', () => {
  it('ends an event with an empty line, of either kind of line breaks', () => {
    for (const text of ['data: a\n\n', 'data: a\r\n\r\n', ': \n\n'])
      assert.equal(endsEvent(Buffer.from(text)), true, JSON.stringify(text))
    for (const text of ['', '\n', 'data: a', 'data: a\n', 'data: a\r\n', 'a\n\r\n', 'a\r\nb\n', '\n\nx'])
      assert.equal(endsEvent(Buffer.from(text)), false, JSON.stringify(text))
  })
})
