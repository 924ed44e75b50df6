import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { echo } from '../support/spy-upstream.ts'
import { messagesIn } from '../support/task-server.ts'

const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities'
const offers = { sampling: { tools: {} }, elicitation: { form: {} }, roots: {}, extensions: { x: {} } }
const rest = { elicitation: { form: {} }, extensions: { x: {} } }

let gate: GatedSpy
let open: GatedSpy
let closed: GatedSpy
let token: string
let closedToken: string
let session: Record<string, string>
before(async () => {
  gate = await startGatedSpy({}, undefined, { mayAsk: { sampling: false, roots: false } })
  open = await startGatedSpy()
  closed = await startGatedSpy({}, undefined, { mayAsk: { elicitation: false } })
  closedToken = await closed.tokenFor('mcp:*')
  token = await gate.tokenFor('mcp:*')
  session = await begin()
})
after(async () => {
  await gate.close()
  await open.close()
  await closed.close()
})

async function begin(): Promise<Record<string, string>> {
  const result = { protocolVersion: '2025-11-25', capabilities: {} }
  gate.spy.answerWith((_request, res) =>
    res
      .writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'one' })
      .end(JSON.stringify({ jsonrpc: '2.0', id: 7, result })),
  )
  const hello = { protocolVersion: '2025-11-25', capabilities: offers, clientInfo: { name: 'c' } }
  const answer = await gate.post(legacyRequest('initialize', hello), { token })
  return { 'mcp-session-id': answer.headers.get('mcp-session-id') ?? '' }
}

interface Seen {
  readonly params: Record<string, unknown> & { readonly _meta: Record<string, unknown> }
}
const seenBy = ({ spy }: GatedSpy): Seen => JSON.parse(spy.seen.at(-1)?.body ?? '') as Seen

/** The server asks these in a stream, and then answers. */
async function ask(texts: readonly string[]): Promise<ReturnType<typeof messagesIn>> {
  gate.spy.answerWith((_request, res) => {
    const all = [...texts, '{"jsonrpc":"2.0","id":7,"result":{}}']
    res
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .end(all.map((text) => `data: ${text}\n\n`).join(''))
  })
  const answer = await gate.post(legacyRequest('tools/call', { name: 'a' }), { token, headers: session })
  gate.spy.answerWith((_request, res) => res.writeHead(202).end())
  return messagesIn(answer.text)
}

describe('what a server must not ask', () => {
  it('is not offered to it: neither when a session begins, nor in a modern request', async () => {
    await begin()
    assert.deepEqual(seenBy(gate).params['capabilities'], rest)
    gate.spy.answerWith(echo)
    const { body, headers } = modernRequest('tools/call', { name: 'a', arguments: { n: 1 } }, 7, offers)
    const exact = JSON.stringify(body).replace('"n":1', '"n":12345678901234567890')
    assert.equal((await gate.post(exact, { token, headers })).status, 200)
    assert.deepEqual(seenBy(gate).params['_meta'][capabilitiesKey], rest)
    assert.match(gate.spy.seen.at(-1)?.body ?? '', /"n":12345678901234567890/)
  })

  it('leaves the bytes of calls alone that offer nothing of it, and of servers that may ask everything', async () => {
    const spaced = ' {"jsonrpc":"2.0", "id":7,"method":"tools/call","params":{"name":"a"}} '
    await gate.post(spaced, { token, headers: session })
    assert.equal(gate.spy.seen.at(-1)?.body, spaced)
    const { body, headers } = modernRequest('tools/call', { name: 'a' }, 7, offers)
    const text = JSON.stringify(body, null, 1)
    await open.post(text, { token: await open.tokenFor('mcp:*'), headers })
    assert.equal(open.spy.seen.at(-1)?.body, text)
  })

  for (const method of ['sampling/createMessage', 'roots/list', 'sampling\\/createM\\u0065ssage']) {
    it(`reaches no client in the legacy era, whose answer ends the wait: ${method}`, async () => {
      const [asked] = await ask([`{"jsonrpc":"2.0","id":3,"m\\u0065thod":"${method}","params":{"secret":1}}`])
      assert.equal(asked?.['method'], 'portcullis/withheld')
      assert.deepEqual(asked['params'], {})
      // As both SDKs answer what they do not know.
      const unknown = {
        jsonrpc: '2.0',
        id: asked['id'],
        error: { code: -32601, message: 'Method not found' },
      }
      assert.equal((await gate.post(unknown, { token, headers: session })).status, 202)
      assert.deepEqual(JSON.parse(gate.spy.seen.at(-1)?.body ?? ''), { ...unknown, id: 3 })
    })
  }

  it('is no reason to break off where the server says something that is no message', async () => {
    gate.spy.answerWith((_request, res) =>
      res.writeHead(202, { 'content-type': 'text/plain' }).end('Accepted'),
    )
    const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
    const { status, text } = await gate.post(initialized, { token, headers: session })
    assert.deepEqual([status, text], [202, ''])
  })

  it('leaves what it may ask', async () => {
    const [asked] = await ask([
      '{"jsonrpc":"2.0","id":3,"method":"elicitation/create","params":{"message":"?"}}',
    ])
    assert.deepEqual([asked?.['method'], asked?.['params']], ['elicitation/create', { message: '?' }])
  })

  it('is not an error that asks what may be asked', async () => {
    const error = { code: -32042, message: 'go', data: { elicitations: [{ mode: 'url' }] } }
    gate.spy.answerWith((_request, res) =>
      res
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id: 7, error })),
    )
    const { json } = await gate.post(legacyRequest('tools/call', { name: 'a' }), { token, headers: session })
    assert.deepEqual(json.error, error)
  })

  it('becomes an error where a result of the modern era asks it', async () => {
    const answerWith = (questions: object): void =>
      gate.spy.answerWith((_request, res) => {
        const result = { resultType: 'input_required', inputRequests: questions, requestState: 's' }
        res
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ jsonrpc: '2.0', id: 7, result }))
      })
    const call = modernRequest('tools/call', { name: 'a' }, 7, offers)
    const form = { method: 'elicitation/create', params: { message: '?' } }
    answerWith({ a: form, b: { method: 'sampling/createMessage', params: { secret: 1 } } })
    const refused = await gate.post(call.body, { token, headers: call.headers })
    assert.deepEqual(refused.json, {
      jsonrpc: '2.0',
      id: 7,
      error: {
        code: 403,
        message: 'The MCP server asked what it may not ask here',
        data: { code: 'question_denied' },
      },
    })
    answerWith({ a: form })
    const passed = await gate.post(call.body, { token, headers: call.headers })
    assert.deepEqual(passed.json.result?.['inputRequests'], { a: form })
  })

  /** What a client of the modern era gets when a server answers with these messages. */
  async function answered(messages: readonly string[]): Promise<ReturnType<typeof messagesIn>> {
    closed.spy.answerWith((_request, res) =>
      res
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(messages.map((text) => `data: ${text}\n\n`).join('')),
    )
    const { body, headers } = modernRequest('tools/call', { name: 'a' }, 7, offers)
    return messagesIn((await closed.post(body, { token: closedToken, headers })).text)
  }

  const link = '{"elicitations":[{"mode":"url","url":"https://evil.example","message":"?"}]}'
  for (const [how, message] of [
    ['in an error', `{"jsonrpc":"2.0","id":7,"error":{"code":-32042,"message":"go","data":${link}}}`],
    [
      'in one whose number is written otherwise',
      '{"jsonrpc":"2.0","id":7,"error":{"code":-3.2042e4,"message":"go"}}',
    ],
    [
      'in an error of another number',
      `{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"go","data":${link}}}`,
    ],
    [
      'in a list in place of an object',
      '{"jsonrpc":"2.0","id":7,"result":{"inputRequests":[{"method":"elicitation/create"}]}}',
    ],
  ] as const) {
    it(`does not come ${how}`, async () => {
      const [got] = await answered([message])
      assert.deepEqual(
        [got?.['id'], (got?.['error'] as { data?: object } | undefined)?.data],
        [7, { code: 'question_denied' }],
      )
    })
  }

  it('does not come in a notification, or in what is no message', async () => {
    const question = '{"a":{"method":"elicitation/create","params":{}}}'
    const result = '{"jsonrpc":"2.0","id":7,"result":{}}'
    const told = `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","inputRequests":${question}}}`
    const nested = `[[{"jsonrpc":"2.0","id":1,"method":"elicitation/create"}]]`
    assert.deepEqual(await answered([told, nested, result]), [JSON.parse(result)])
  })

  it('is not looked for where nobody declares anything: in batches, and in params of other methods', async () => {
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping', params: { capabilities: { roots: {} } } }
    for (const body of [[ping], ping]) {
      const text = JSON.stringify(body)
      gate.spy.answerWith(echo)
      const { status } = await gate.post(text, { token, headers: { 'mcp-protocol-version': '2025-03-26' } })
      assert.deepEqual([status < 300, gate.spy.seen.at(-1)?.body], [true, text])
    }
  })
})
