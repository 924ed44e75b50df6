import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { event, initialized, open, own, stopTimers, stream } from '../support/streamable-server.ts'

describe('what a Streamable HTTP server says unasked', () => {
  it('is asked for again after pauses that double while it fails, up to half a minute (A71)', async (test) => {
    const pass = stopTimers(test)
    const opened = await initialized()
    opened.channel.hear(own)
    for (const pause of [2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      const count = opened.received.length
      await opened.received.at(-1)?.fail()
      await pass(pause - 1)
      assert.equal(opened.received.length, count, `${pause}`)
      await pass(1)
      assert.equal(opened.received.length, count + 1, `${pause}`)
    }
    const { authorization, 'mcp-session-id': session } = opened.received.at(-1)?.headers ?? {}
    assert.deepEqual([authorization, session], ['Bearer own', 'first'])
    const count = opened.received.length
    await opened.received.at(-1)?.answer(200, stream, event('{"method":"x"}'))
    await pass(1000)
    assert.equal(opened.received.length, count + 1, 'it was heard, so nothing fails any more')
    await opened.received.at(-1)?.fail()
    opened.channel.unhear()
    await pass(60_000)
    assert.equal(opened.received.length, count + 1, 'nobody listens any more')
  })

  it('is asked for once, and again after it was refused', async () => {
    const opened = open('legacy')
    for (let time = 0; time < 2; time++) opened.channel.hear([])
    assert.equal(opened.received.length, 1)
    await opened.received[0]?.answer(401, stream)
    assert.equal(opened.unheard, 1)
    opened.channel.hear([])
    assert.equal(opened.received.length, 2)
  })

  it('ends with no refusal of an earlier one that nobody listens to any more', async () => {
    const opened = open('legacy')
    opened.channel.hear([])
    const refused = opened.received[0]?.answer(401, stream)
    opened.channel.unhear()
    opened.channel.hear([])
    await refused
    assert.equal(opened.unheard, 0)
    opened.channel.unhear()
    assert.equal(opened.received[1]?.signal.aborted, true)
  })

  it('is not asked for again where there is no such stream', async () => {
    const opened = open('legacy')
    opened.channel.hear([])
    await opened.received[0]?.answer(405)
    opened.channel.hear([])
    assert.deepEqual([opened.received.length, opened.unheard], [1, 0])
  })

  it('is asked for until nobody listens', () => {
    const opened = open('legacy')
    opened.channel.hear([])
    opened.channel.unhear()
    assert.equal(opened.received[0]?.signal.aborted, true)
    opened.channel.hear([])
    assert.equal(opened.received.length, 2)
  })

  it('is not asked for in the modern era, or when all is over', async () => {
    const modern = open('modern')
    modern.channel.hear([])
    const over = open('legacy')
    await over.channel.close()
    over.channel.hear([])
    assert.deepEqual([...modern.received, ...over.received], [])
  })
})
