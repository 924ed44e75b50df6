import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  type Answer,
  type GatedSpy,
  legacyRequest,
  modernRequest,
  startGatedSpy,
} from '../support/gated-spy.ts'

const shown = '{"name":"shown"}'
const list = `{"jsonrpc":"2.0","id":7,"result":{"tools":[${shown},{"name":"hidden"}]}}`
const left = `{"jsonrpc":"2.0","id":7,"result":{"tools":[${shown}]}}`
const event = (text: string): string => `data: ${text}\n\n`

let gate: GatedSpy
let token: string
before(async () => {
  gate = await startGatedSpy({}, undefined, { objects: { tools: { deny: ['hidden'] } } })
  token = await gate.tokenFor('mcp:*')
})
after(() => gate.close())

/** What a client gets of an answer with these headers, and with the length that its server wrote. */
async function get(
  body: string | Buffer,
  headers: Record<string, string>,
  asked: { body: unknown; headers?: Record<string, string> } = { body: legacyRequest('tools/list') },
): Promise<Answer> {
  gate.spy.answerWith((_request, res) =>
    res.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body),
  )
  return gate.post(asked.body, { token, headers: asked.headers ?? {} })
}

describe('an answer that is changed on its way', () => {
  it('does not have the length that its server announced', async () => {
    const document = await get(list, { 'content-type': 'application/json' })
    assert.deepEqual([document.text, document.headers.get('content-length')], [left, null])
    const stream = await get(event(list), { 'content-type': 'text/event-stream' })
    assert.deepEqual([stream.text, stream.headers.get('content-length')], [event(left), null])
  })

  it('may say that it is not compressed, and is refused if it is', async () => {
    for (const [type, body] of [
      ['application/json', list],
      ['text/event-stream', event(list)],
    ] as const) {
      const plain = await get(body, { 'content-type': type, 'content-encoding': 'identity' })
      assert.equal(plain.status, 200, type)
      assert.ok(!plain.text.includes('hidden'), type)
      const compressed = await get(gzipSync(body), { 'content-type': type, 'content-encoding': 'gzip' })
      assert.deepEqual(
        [compressed.status, compressed.json.error?.data['code']],
        [502, 'upstream_invalid'],
        type,
      )
    }
  })

  it('is refused if it is compressed also where only streams are changed', async () => {
    const call = { body: legacyRequest('tools/call', { name: 'shown', arguments: {} }) }
    const headers = { 'content-encoding': 'gzip' }
    const stream = await get(gzipSync(event(list)), { ...headers, 'content-type': 'text/event-stream' }, call)
    assert.equal(stream.status, 502)
    const document = await get(gzipSync(list), { ...headers, 'content-type': 'application/json' }, call)
    assert.equal(document.text, list)
  })
})

describe('an answer that is not changed', () => {
  it('has its length, unless it is a stream, which may end in other ways', async () => {
    const asked = modernRequest('prompts/get', { name: 'a' })
    const headers = { ...asked.headers, 'mcp-name': 'a' }
    const document = await get(list, { 'content-type': 'application/json' }, { ...asked, headers })
    assert.deepEqual([document.text, document.headers.get('content-length')], [list, String(list.length)])
    const stream = await get(event(list), { 'content-type': 'text/event-stream' }, { ...asked, headers })
    assert.deepEqual([stream.text, stream.headers.get('content-length')], [event(list), null])
  })

  it('is the server’s own 404 in the modern era, and no lost session where a session is opened', async () => {
    const hello = legacyRequest('initialize', { protocolVersion: '2025-11-25' })
    const opened = await get(
      '{"jsonrpc":"2.0","id":7,"result":{}}',
      {
        'content-type': 'application/json',
        'mcp-session-id': 'one',
      },
      { body: hello },
    )
    assert.equal(opened.status, 200)
    gate.spy.answerWith((_request, res) =>
      res
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"Method not found"}}'),
    )
    const { body, headers } = modernRequest('prompts/list')
    const modern = await gate.post(body, { token, headers })
    assert.deepEqual([modern.status, modern.json.error?.code], [404, -32601])
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    assert.equal((await gate.post(hello, { token, headers: session })).status, 502)
    assert.equal((await gate.post(legacyRequest('tools/list'), { token, headers: session })).status, 404)
  })
})
