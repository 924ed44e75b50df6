import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { echo } from '../support/spy-upstream.ts'

let gate: GatedSpy
let token: string
before(async () => {
  gate = await startGatedSpy()
  token = await gate.tokenFor('mcp:*')
})
after(() => gate.close())

interface Asked {
  readonly body: object
  readonly headers: Record<string, string>
}
const legacy: Asked = { body: legacyRequest('tools/call', { name: 'a' }), headers: {} }
const modern: Asked = modernRequest('tools/call', { name: 'a' })

const event = (data: string): string => `event: message\ndata: ${data}\n\n`
const answer = event('{"jsonrpc":"2.0","id":7,"result":{}}')
const interrupted = {
  jsonrpc: '2.0',
  id: 7,
  error: { code: 502, message: 'The MCP server ended the answer early' },
}

const unreadable = {
  jsonrpc: '2.0',
  id: 7,
  error: { code: 502, message: 'The MCP server gave an answer that is not MCP' },
}
const initialize = legacyRequest('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
})

/** What a client reads when the server writes these pieces and then cuts the connection. */
async function cutAfter(
  pieces: readonly string[],
  { body, headers }: Asked,
  type = 'text/event-stream',
): Promise<string> {
  gate.spy.answerWith((_request, res) => {
    res.writeHead(200, { 'content-type': type })
    for (const [index, piece] of pieces.entries()) setTimeout(() => res.write(piece), 30 * index)
    setTimeout(() => res.socket?.destroy(), 30 * pieces.length)
  })
  return (await gate.post(body, { token, headers })).text
}

const dataIn = (text: string): string[] => text.match(/^data: .*/gm) ?? []

describe('a stream that the server cuts', () => {
  it('between events ends with a JSON-RPC error (A71)', async () => {
    for (const asked of [legacy, modern]) {
      const [, last] = dataIn(await cutAfter([event('1')], asked))
      assert.deepEqual(JSON.parse(last?.slice(6) ?? '{}'), interrupted)
    }
  })

  it('is a stream however its server writes the media type (RFC 9110 section 8.3.1)', async () => {
    for (const type of ['Text/Event-Stream', 'text/event-stream;charset=utf-8']) {
      const [, last] = dataIn(await cutAfter([event('1')], modern, type))
      assert.deepEqual(JSON.parse(last?.slice(6) ?? '{}'), interrupted, type)
    }
  })

  const progress = event('{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}')
  const long = event(`{"result":{"text":"${'x'.repeat(2_000_000)}"},"jsonrpc":"2.0","id":7}`)
  const answered: [string, string[]][] = [
    ['whole', [answer]],
    ['after a notification', [progress, answer]],
    ['before a sign of life', [answer, ': ping\n\n']],
    ['in pieces', [progress, answer.slice(0, 20), answer.slice(20)]],
    ['very long', [long]],
    ['together with others', [progress + answer + progress]],
    ['with its id written in another way', [answer.replace('7', '7.0')]],
    ['in a list', [event('[{"jsonrpc":"2.0","id":7,"result":{}}]')]],
  ]
  for (const [how, pieces] of answered) {
    it(`after the answer, ${how}, has the answer and no error beside it (A71)`, async () => {
      for (const asked of [legacy, modern]) {
        const told = dataIn(await cutAfter(pieces, asked))
        assert.ok(told.join('\n') === dataIn(pieces.join('')).join('\n'), told.join('\n').slice(-200))
      }
    })
  }

  it('after what is no answer to this request ends with an error', async () => {
    for (const data of ['{"jsonrpc":"2.0","id":8,"result":{}}', '{"id":7,"method":"ping"}', '7', 'no JSON']) {
      const told = dataIn(await cutAfter([event(data)], modern))
      assert.deepEqual(told, [`data: ${data}`, `data: ${JSON.stringify(interrupted)}`])
    }
  })

  it('by us, since it cannot be read, ends with an error, also where it could be resumed (A71)', async () => {
    const place = `id: 1\ndata: \n\n`
    const tooLong = `data: {"jsonrpc":"2.0","id":7,"result":{"text":"${'x'.repeat(17 * 1024 * 1024)}"}}\n\n`
    const noJson = 'data: {"method":"ping","id":\n\n'
    for (const pieces of [
      [progress, tooLong],
      [place, tooLong],
      [progress + noJson],
      [`${answer}${noJson}`],
    ]) {
      gate.spy.answerWith((_request, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': 'a' })
        for (const [index, piece] of pieces.entries()) setTimeout(() => res.write(piece), 30 * index)
      })
      const { text } = await gate.post(initialize, { token })
      assert.deepEqual(JSON.parse(dataIn(text).at(-1)?.slice(6) ?? '{}'), unreadable, text.slice(0, 500))
      const { code } = (await gate.installation.audit()).at(-1) ?? {}
      assert.equal(code, 'upstream_invalid')
    }
    gate.spy.answerWith(echo)
  })

  it('within an event breaks off where part of it has passed, and ends with an error where not', async () => {
    await assert.rejects(cutAfter(['data: {"half'], modern))
    for (const half of ['data: {"half', long.slice(0, -2)])
      assert.equal(await cutAfter([half], legacy), event(JSON.stringify(interrupted)))
    gate.spy.answerWith(echo)
    assert.equal((await gate.post(legacyRequest('ping'), { token })).status, 200)
  })
})
