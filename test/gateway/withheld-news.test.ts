import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { messagesIn } from '../support/task-server.ts'

const news = {
  'mcp:tools:read': { method: 'notifications/tools/list_changed' },
  'mcp:prompts:list': { method: 'notifications/prompts/list_changed' },
  'mcp:resources:list': { method: 'notifications/resources/list_changed' },
  'mcp:resources:read': { method: 'notifications/resources/updated', params: { uri: 'file:///a' } },
} as const
const listScopes = Object.keys(news) as (keyof typeof news)[]
const other = { method: 'notifications/message', params: { data: 'list_changed' } }
const answer = { jsonrpc: '2.0', id: 7, result: { content: [] } }

let gate: GatedSpy
before(async () => {
  gate = await startGatedSpy({}, undefined, {
    methods: { 'prompts/list': ['mcp:prompts:read'] },
    objects: { resources: { deny: ['file:///secret/*'] } },
  })
})
after(() => gate.close())

/** Lets the server tell of everything, and then answer. */
function tellAll(more: readonly object[] = []): void {
  gate.spy.answerWith((_request, res) => {
    const told = [...Object.values(news), other, ...more, answer]
    const text = told.map((message, at) => `id: ${at}\ndata: ${JSON.stringify(message)}\n\n`).join('')
    res.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)
  })
}

/** The methods of what a caller hears: on the stream of a session, with an answer, and on one of the modern era. */
async function heardBy(token: string): Promise<Record<'get' | 'post' | 'modern', unknown[]>> {
  const listen = modernRequest('subscriptions/listen', { notifications: {} })
  const [get, post, stream] = [
    await gate.post(undefined, { token, method: 'GET' }),
    await gate.post(legacyRequest('ping'), { token }),
    await gate.post(listen.body, { token, headers: listen.headers }),
  ].map(({ text }) => messagesIn(text).map(({ method }) => method))
  return { get: get ?? [], post: post ?? [], modern: stream ?? [] }
}

describe('what a server tells of unasked (A23, A26)', () => {
  for (const scope of listScopes) {
    it(`reaches whoever could ask for it, in each kind of stream: ${scope}`, async () => {
      tellAll()
      // The operator of this server wants another scope for its prompts than MCP does.
      const shown = scope === 'mcp:prompts:list' ? [] : [news[scope].method]
      const heard = [...shown, other.method, undefined]
      const { get, post, modern } = await heardBy(await gate.tokenFor(scope))
      assert.deepEqual([get, post, modern], [heard, heard, heard])
    })
  }

  it('goes by the scopes that the operator maps, and by parents', async () => {
    tellAll()
    const mapped = await heardBy(await gate.tokenFor('mcp:prompts:read'))
    assert.deepEqual(mapped.get, [news['mcp:prompts:list'].method, other.method, undefined])
    const all = [...Object.values(news).map(({ method }) => method), other.method, undefined]
    assert.deepEqual(await heardBy(await gate.tokenFor('mcp:*')), { get: all, post: all, modern: all })
  })

  it('is no resource that the rules of the server forbid', async () => {
    const updated = { method: 'notifications/resources/updated' }
    tellAll([
      { ...updated, params: { uri: 'file:///secret/a' } },
      { ...updated, params: { uri: 7 } },
      updated,
    ])
    const { text } = await gate.post(undefined, { token: await gate.tokenFor('mcp:*'), method: 'GET' })
    const uris = messagesIn(text).flatMap(({ method, params }) =>
      method === updated.method ? [(params as { uri?: unknown } | undefined)?.uri] : [],
    )
    assert.deepEqual(uris, ['file:///a'])
  })

  it('is left out without a trace but its place in the stream, and everything else keeps its text', async () => {
    const kept = `{ "method":"x",\ndata: "n": 1.0}`
    const withheld = 'id: 1\nretry: 50\ndata: {"method":"notifications\\/tools\\/list_changed"}\n\n'
    gate.spy.answerWith((_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.end(`data: ${kept}\n\n${withheld}data: {"method":"notifications/prompts/list_changed"}\n\n`)
    })
    const token = await gate.tokenFor('mcp:tools:execute')
    const { text } = await gate.post(legacyRequest('tools/call', { name: 'a' }), { token })
    assert.equal(text, `data: ${kept}\n\nid: 1\nretry: 50\n\n: \n\n`)
  })

  it('never makes an answer of one document be read', async () => {
    const document = '{ "jsonrpc":"2.0","id":7,"result":{"n":1.0,"text":"list_changed"} }'
    gate.spy.answerWith((_request, res) =>
      res
        .writeHead(200, { 'content-type': 'application/json', 'content-length': document.length })
        .end(document),
    )
    const token = await gate.tokenFor('mcp:tools:execute')
    const { text, headers } = await gate.post(legacyRequest('tools/call', { name: 'a' }), { token })
    assert.equal(text, document)
    assert.equal(headers.get('content-length'), String(document.length))
  })
})
