import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Messages, post } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import {
  modernScript,
  opening,
  type Script,
  type ScriptedGate,
  startScripted,
} from '../support/scripted-upstream.ts'
import { until } from '../support/until.ts'

let gate: ScriptedGate
let token: string
beforeEach(async () => {
  gate = await startScripted(modernScript, { era: 'modern' })
  token = await gate.token('ada')
})
afterEach(() => gate.close())

const use = (script: Script): void => {
  gate.script = { ...modernScript, ...script }
}
const prefix = 'io.modelcontextprotocol/'

async function open(revision = '2025-06-18', by = token): Promise<{ answer: Messages; id: string }> {
  const clientInfo = { name: 'old', version: '2' }
  const params = { protocolVersion: revision, capabilities: { sampling: {}, elicitation: {} }, clientInfo }
  const answer = await post(gate.url, by, legacyRequest('initialize', params))
  return { answer, id: answer.headers.get('mcp-session-id') ?? '' }
}

function send(id: string, method: string, params: object = {}, by = token): Promise<Messages> {
  return post(gate.url, by, legacyRequest(method, params), { headers: { 'mcp-session-id': id } })
}

describe('a legacy client of a modern server', () => {
  it('opens a session that the gateway makes of what the server discovers', async () => {
    const { answer, id } = await open()
    assert.match(id, /^[\x21-\x7e]{40,}$/)
    assert.deepEqual(answer.messages[0]?.result, {
      protocolVersion: '2025-06-18',
      capabilities: opening.capabilities,
      serverInfo: opening.serverInfo,
      instructions: 'be kind',
    })
    assert.equal((await open('2026-07-28')).answer.messages[0]?.result?.['protocolVersion'], '2025-11-25')
    const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
    assert.equal(
      (await post(gate.url, token, initialized, { headers: { 'mcp-session-id': id } })).status,
      202,
    )
    assert.deepEqual(
      gate.methods(),
      ['server/discover', 'server/discover'],
      'and nothing else reaches the server',
    )
  })

  it('sends what the modern era wants with each request, in the head and in the body (O6, O7, O13)', async () => {
    const { id } = await open()
    await send(id, 'tools/call', {
      name: 'Grüße',
      arguments: { n: 1 },
      _meta: { progressToken: 'p', [`${prefix}logLevel`]: 'x' },
    })
    const { headers, body } = gate.spy.seen.at(-1)!
    const { params } = JSON.parse(body) as { params: Record<string, Record<string, unknown>> }
    assert.equal(headers['mcp-protocol-version'], '2026-07-28')
    assert.equal(headers['mcp-method'], 'tools/call')
    assert.equal(headers['mcp-name'], `=?base64?${Buffer.from('Grüße').toString('base64')}?=`)
    assert.equal(headers['mcp-session-id'], undefined)
    assert.deepEqual(params['arguments'], { n: 1 })
    assert.equal(params['_meta']?.[`${prefix}protocolVersion`], '2026-07-28')
    assert.deepEqual(params['_meta']?.[`${prefix}clientCapabilities`], {})
    assert.deepEqual(params['_meta']?.[`${prefix}clientInfo`], { name: 'old', version: '2' })
  })

  it('gets results without what its era does not know', async () => {
    const { id } = await open()
    const tools = [
      { name: 'a', inputSchema: {}, outputSchema: { type: 'object' } },
      { name: 'b', inputSchema: {}, outputSchema: { type: 'array' } },
    ]
    use({
      'tools/list': () => ({
        tools,
        resultType: 'complete',
        ttlMs: 5,
        cacheScope: 'public',
        _meta: { [`${prefix}serverInfo`]: {}, mine: 1 },
      }),
      'tools/call': () => ({ content: [], structuredContent: [1], resultType: 'complete' }),
    })
    assert.deepEqual((await send(id, 'tools/list')).messages[0]?.result, {
      tools: [tools[0], { name: 'b', inputSchema: {} }],
      _meta: { mine: 1 },
    })
    const call = await send(id, 'tools/call', { name: 'b', arguments: {} })
    assert.deepEqual(call.messages[0]?.result, { content: [] })
  })

  const errors: [string, number, number][] = [
    ['resources/read', -32602, -32002],
    ['prompts/get', -32602, -32602],
    ['prompts/get', -32021, 501],
    ['prompts/get', -32020, -32603],
    ['prompts/get', -32601, -32601],
  ]
  for (const [method, from, to] of errors) {
    it(`gets the error ${from} of ${method} as ${to} (O17)`, async () => {
      const { id } = await open()
      use({ [method]: () => ({ reply: true, status: 400, body: { error: { code: from, message: 'no' } } }) })
      const answer = await send(id, method, { name: 'x', uri: 'test:///x' })
      assert.equal(answer.status, 200)
      assert.equal(answer.messages[0]?.error?.code, to)
      assert.equal(answer.messages[0]?.id, 7)
    })
  }

  it('is refused what has no counterpart', async () => {
    const { id } = await open()
    const before = gate.spy.seen.length
    assert.equal((await send(id, 'tasks/list')).messages[0]?.error?.code, -32601)
    const withTask = await send(id, 'tools/call', { name: 'a', arguments: {}, task: {} })
    assert.equal(withTask.messages[0]?.error?.code, 501)
    assert.equal(gate.spy.seen.length, before, 'the server was not called')
    for (const resultType of ['input_required', 'task', 'of the future']) {
      use({ 'tools/call': () => ({ resultType, inputRequests: {} }) })
      const answer = await send(id, 'tools/call', { name: 'a', arguments: {} })
      assert.equal(answer.messages[0]?.error?.code, 501, resultType)
      assert.equal(answer.messages[0]?.result, undefined)
    }
  })

  it('pings and sets its log level with the gateway, which sends the level with each request', async () => {
    const { id } = await open()
    assert.deepEqual((await send(id, 'ping')).messages[0]?.result, {})
    assert.equal((await send(id, 'logging/setLevel', { level: 'loud' })).messages[0]?.error?.code, -32602)
    assert.deepEqual((await send(id, 'logging/setLevel', { level: 'error' })).messages[0]?.result, {})
    await send(id, 'tools/list')
    assert.deepEqual(gate.methods(), ['server/discover', 'tools/list'])
    const meta = gate.messages('tools/list')[0]?.params['_meta'] as Record<string, unknown>
    assert.equal(meta[`${prefix}logLevel`], 'error')
  })

  it('repeats arguments in the head where a tool wants that, as soon as the server says so (O9)', async () => {
    const { id } = await open()
    const properties = {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      more: { properties: { count: { type: 'integer', 'x-mcp-header': 'Count' } } },
      list: { type: 'array', items: { properties: { no: { type: 'string', 'x-mcp-header': 'No' } } } },
      weight: { type: 'number', 'x-mcp-header': 'Weight' },
    }
    use({
      'tools/list': () => ({ tools: [{ name: 'a', inputSchema: { properties } }], resultType: 'complete' }),
      'tools/call': (_message, { headers }) =>
        headers['mcp-param-region'] === undefined
          ? { reply: true, status: 400, body: { error: { code: -32020, message: 'Header mismatch' } } }
          : { content: [], resultType: 'complete' },
    })
    const params = {
      name: 'a',
      arguments: { region: ' eu', more: { count: 3 }, list: [{ no: 'x' }], weight: 1.5 },
    }
    assert.ok((await send(id, 'tools/call', params)).messages[0]?.result)
    assert.deepEqual(gate.methods().slice(1), ['tools/call', 'tools/list', 'tools/call'])
    const { headers } = gate.spy.seen.at(-1)!
    assert.equal(headers['mcp-param-region'], `=?base64?${Buffer.from(' eu').toString('base64')}?=`)
    assert.equal(headers['mcp-param-count'], '3')
    for (const name of ['no', 'weight']) assert.equal(headers[`mcp-param-${name}`], undefined)
    await send(id, 'tools/call', params)
    assert.equal(gate.methods().length, 5, 'it is remembered')
  })

  it('has a session that nobody else can use, and that is over when it is ended (A29, H3)', async () => {
    const { id } = await open()
    const eve = await gate.token('eve')
    const before = gate.spy.seen.length
    assert.equal((await send(id, 'tools/list', {}, eve)).status, 404)
    assert.equal((await post(gate.url, token, legacyRequest('tools/list'))).status, 400, 'no session')
    assert.equal(
      (await post(gate.url, token, undefined, { headers: { 'mcp-session-id': id }, method: 'DELETE' }))
        .status,
      200,
    )
    assert.equal((await send(id, 'tools/list')).status, 404)
    assert.equal(gate.spy.seen.length, before)
  })

  it('keeps its session over a restart of the gateway, since the server keeps none (A72)', async () => {
    const { id } = await open()
    await gate.installation.restart()
    assert.equal((await send(id, 'tools/list')).status, 200)
  })

  it('has ended a session for good, also over a restart of the gateway (H3)', async () => {
    const [ended, other] = [await open(), await open()]
    await send(other.id, 'logging/setLevel', { level: 'info' })
    const headers = { 'mcp-session-id': ended.id }
    assert.equal((await post(gate.url, token, undefined, { method: 'DELETE', headers })).status, 200)
    await gate.installation.restart()
    const statuses = [ended, other].map(async ({ id }) => (await send(id, 'tools/list')).status)
    assert.deepEqual(await Promise.all(statuses), [404, 200])
  })

  it('can end a session also after a restart of the gateway, and once (H3)', async () => {
    const { id } = await open()
    const headers = { 'mcp-session-id': id }
    const end = async (): Promise<number> =>
      (await post(gate.url, token, undefined, { method: 'DELETE', headers })).status
    await gate.installation.restart()
    assert.equal(await end(), 200)
    await gate.installation.restart()
    assert.equal(await end(), 404)
  })

  it('cancels with a notification, at which the request to the server ends (O14)', async () => {
    const { id } = await open()
    gate.spy.answerWith(
      (
        (answer) => (request, res) =>
          request.body.includes('"tools/call"')
            ? res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
            : answer(request, res)
      )(gate.spy.answer),
    )
    const other = await open()
    const waiting = send(id, 'tools/call', { name: 'a', arguments: {} })
    await until(() => gate.messages('tools/call').length === 1)
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }
    await post(gate.url, token, cancel, { headers: { 'mcp-session-id': other.id } })
    await new Promise((resolve) => setTimeout(resolve, 150))
    assert.equal(gate.spy.aborted(), 0, 'another session of the same user cancels nothing')
    await post(gate.url, token, cancel, { headers: { 'mcp-session-id': id } })
    assert.deepEqual((await waiting).messages, [])
    await until(() => gate.spy.aborted() === 1)
  })
})
