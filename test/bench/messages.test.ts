import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countEvents } from '../../bench/harness/count-events.ts'
import { eventOf, toolCall } from '../../bench/harness/messages.ts'

async function* inPieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size)
}

describe('the messages of the benchmark', () => {
  it('have exactly as many bytes as they are named after', () => {
    for (const era of ['legacy', 'modern'] as const) {
      for (const filling of ['text', 'rows'] as const) {
        const { body } = toolCall({ era, filling, bytes: 10_000 })
        assert.equal(Buffer.byteLength(body), 10_000)
        assert.equal((JSON.parse(body) as { method: string }).method, 'tools/call')
      }
    }
    assert.throws(() => toolCall({ bytes: 50 }), /more than 50 bytes/)
  })

  it('are counted however they are cut', async () => {
    const text = [0, 1, 2].map(eventOf).join('')
    for (const size of [1, 2, 3, 50, text.length]) assert.equal(await countEvents(inPieces(text, size)), 3)
    assert.equal(await countEvents(inPieces(text.slice(0, -1), 7)), 2)
  })
})
