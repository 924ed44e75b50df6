import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { eventReader } from '../../src/http/event-stream.ts'
import type { Rewrite } from '../../src/upstream/contract.ts'
import { rewriteAnswer } from '../../src/upstream/rewrite-answer.ts'

/** Hides what is hidden, seals what is raw, and concerns nothing else. */
const rewrite: Rewrite = {
  concerns: (text) => text === '' || text.includes('raw') || text.includes('hidden'),
  documents: false,
  change: (message) =>
    JSON.stringify(message).includes('hidden')
      ? undefined
      : JSON.parse(JSON.stringify(message).replace('raw', 'sealed')),
  sealPlace: (place) => `sealed ${place}`,
}

/** What a client reads when a stream is cut into pieces at these places. */
function heard(text: string, cuts: readonly number[] = []): unknown[] {
  const bytes = Buffer.from(text)
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].toSorted(
    (left, right) => left - right,
  )
  const transform = rewriteAnswer('text/event-stream', rewrite)
  assert.ok(transform !== undefined)
  const sent = places.slice(1).map((end, index) => transform.take(bytes.subarray(places[index], end)))
  return eventReader(10_000)(Buffer.from(sent.join('') + transform.end())).map(({ id, data }) => ({
    id,
    data: data === undefined || data === '' ? data : (JSON.parse(data) as unknown),
  }))
}

const plain = '{"text":"ä漢🎉"}'
const raw = '{"id":"raw"}'

describe('a stream that is changed on its way', () => {
  const cases: [string, string, unknown[]][] = [
    [
      'and what does not concern anybody',
      `data: ${plain}\n\ndata: ${raw}\n\ndata: ${plain}\n\n`,
      [{ text: 'ä漢🎉' }, { id: 'sealed' }, { text: 'ä漢🎉' }],
    ],
    [
      'with other line breaks',
      `data: ${plain}\r\n\r\ndata: ${raw}\r\rdata: ${plain}\r\n\r\n`,
      [{ text: 'ä漢🎉' }, { id: 'sealed' }, { text: 'ä漢🎉' }],
    ],
    [
      'with messages of several lines',
      'data: {"id":\ndata: "raw"}\n\ndata: {"id":\r\ndata: 1}\r\n\r\n',
      [{ id: 'sealed' }, { id: 1 }],
    ],
    ['with what nobody gets', `data: {"hidden":1}\n\n: alive\n\ndata: ${raw}\n\n`, [{ id: 'sealed' }]],
    [
      'with events of other kinds',
      `event: x\ndata: ${raw}\n\nevent: message\ndata: ${raw}\n\n`,
      [{ id: 'sealed' }],
    ],
  ]
  for (const [what, text, messages] of cases) {
    it(`${what} is the same however it is cut`, () => {
      const expected = messages.map((data) => ({ id: undefined, data }))
      assert.deepEqual(heard(text), expected)
      fc.assert(fc.property(fc.array(fc.nat()), (cuts) => assert.deepEqual(heard(text, cuts), expected)))
    })
  }

  it('names the places that its client may come back to, however it is cut', () => {
    const text = `id: 1\ndata:\n\ndata: ${plain}\n\nid: 2\nretry: 5\ndata: ${raw}\n\nid: 3\ndata: {"hidden":1}\n\n`
    const check = (cuts: readonly number[]): void =>
      assert.deepEqual(heard(text, cuts), [
        { id: 'sealed 1', data: '' },
        { id: undefined, data: { text: 'ä漢🎉' } },
        { id: 'sealed 2', data: { id: 'sealed' } },
        { id: 'sealed 3', data: undefined },
      ])
    check([])
    fc.assert(fc.property(fc.array(fc.nat()), check))
    assert.deepEqual(heard(`\uFEFFid: 1\ndata: ${plain}\n\n`)[0], { id: 'sealed 1', data: { text: 'ä漢🎉' } })
  })

  it('shows that its server lives, also between the halves of an event', () => {
    const transform = rewriteAnswer('text/event-stream', rewrite)
    assert.equal(transform?.take(Buffer.from(': alive\n\n')), ': alive\n\n')
    assert.equal(transform.take(Buffer.from('data: {"id":')), '')
    assert.equal(transform.take(Buffer.from('"raw"}\n\n')), 'data: {"id":"sealed"}\n\n')
    assert.equal(transform.take(Buffer.from(': alive\r\n\r\n')), ': \n\n')
  })
})

describe('a document that is changed on its way', () => {
  it('is read when it is complete, in every other case left alone', () => {
    assert.equal(rewriteAnswer('application/json', rewrite), undefined)
    const documents = rewriteAnswer('application/json; charset=utf-8', { ...rewrite, documents: true })
    for (const byte of Buffer.from(`[${raw},{"hidden":1},${plain}]`))
      assert.equal(documents?.take(Buffer.from([byte])), '')
    assert.equal(documents?.end(), `[{"id":"sealed"},${plain}]`)
  })
})
