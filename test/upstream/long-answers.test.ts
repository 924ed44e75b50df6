import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readJsonMessages } from '../../src/upstream/conversation/read-messages.ts'
import { rewriteAnswer } from '../../src/upstream/rewrite-answer.ts'

const mebibyte = 1 << 20
const rewrite = { change: (message: unknown) => message, concerns: () => true, documents: true }

/** A JSON text of so many MiB, in pieces. */
function* longText(mebibytes: number): Generator<Buffer> {
  yield Buffer.from('{"jsonrpc":"2.0","id":1,"result":"')
  for (let piece = 0; piece < mebibytes; piece++) yield Buffer.alloc(mebibyte, 'x')
  yield Buffer.from('"}')
}

async function* arriving(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* pieces
}

describe('a document of a server that is read as a whole (A36, A71)', () => {
  it('has a size where its messages are read: a longer one is given up when it is reached', async () => {
    const [message] = await readJsonMessages(arriving(longText(15)))
    assert.equal(message?.['id'], 1)
    let given = 0
    const counted = function* (): Generator<Buffer> {
      for (const piece of longText(20)) {
        given += piece.length
        yield piece
      }
    }
    await assert.rejects(readJsonMessages(arriving(counted())), {
      code: 'upstream_invalid',
      detail: { reason: 'the answer is too large' },
    })
    assert.ok(given <= 17 * mebibyte)
  })

  it('has one where it is changed on its way', () => {
    const short = rewriteAnswer('application/json', rewrite)
    for (const piece of longText(15)) assert.equal(short?.take(piece), '')
    assert.match(short?.end() ?? '', /^\{"jsonrpc":"2.0","id":1,/)
    const long = rewriteAnswer('application/json', rewrite)
    assert.throws(() => {
      for (const piece of longText(17)) long?.take(piece)
    }, RangeError)
  })

  it('is left out where nobody knows what it is', () => {
    const unknown = rewriteAnswer('text/plain', rewrite)
    assert.equal(unknown?.take(Buffer.from('{}')), '')
    assert.equal(unknown.end(), '')
  })
})
