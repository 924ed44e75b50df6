import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { resolveEndpoint } from '../../src/upstream/sse/channel.ts'
import { callModern, type Messages, post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { startSpyUpstream } from '../support/spy-upstream.ts'
import { answerAll, type SseServer, type SseStream, startSseServer } from '../support/sse-server.ts'
import { until } from '../support/until.ts'

/** Where no answer is waited for long. */
const hastyPath = '/hasty/mcp'

let server: SseServer
let gate: Installation
let ada: string
let eve: string
before(async () => {
  server = await startSseServer()
  gate = await startInstallation({
    config: {
      upstreams: [
        { name: 'sse', path: '/mcp', url: server.url, transport: 'sse' },
        { name: 'hasty', path: hastyPath, url: server.url, transport: 'sse', responseSeconds: 2 },
      ],
    },
  })
  ;[ada, eve] = await Promise.all([tokenFor(gate.mcpUrl, 'ada'), tokenFor(gate.mcpUrl, 'eve')])
})
after(async () => {
  await gate.close()
  await server.close()
})
afterEach(() => {
  Object.assign(server, { endpoint: '/post?n={n}', postStatus: 202, onPost: answerAll })
})

const initialize = legacyRequest('initialize', { protocolVersion: '2024-11-05', capabilities: {} })

interface Session {
  readonly id: string
  readonly stream: SseStream
  send(body: object | undefined, method?: string): Promise<Messages>
}

async function open(token: string): Promise<Session> {
  const answer = await post(gate.mcpUrl, token, initialize)
  assert.equal(answer.status, 200, JSON.stringify(answer.messages))
  const id = answer.headers.get('mcp-session-id') as string
  return {
    id,
    stream: server.streams.at(-1) as SseStream,
    send: (body, method = 'POST') =>
      post(gate.mcpUrl, token, body, { headers: { 'mcp-session-id': id }, method }),
  }
}

/** Opens the stream of a session and gives what came on it. */
async function listen(token: string, id: string): Promise<{ read(): string; close(): void }> {
  const abort = new AbortController()
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream', 'mcp-session-id': id }
  const response = await fetch(gate.mcpUrl, { headers, signal: abort.signal })
  assert.equal(response.status, 200)
  let text = ''
  void (async () => {
    for await (const chunk of response.body!) text += Buffer.from(chunk).toString()
  })().catch(() => {})
  return { read: () => text, close: () => abort.abort() }
}

describe('a server of HTTP+SSE behind the gate', () => {
  it('gets a stream for each session, with the credential of the gateway on it and on every post (A10)', async () => {
    const [hers, his] = [await open(ada), await open(eve)]
    assert.notEqual(hers.stream, his.stream)
    assert.equal((await hers.send(legacyRequest('tools/list'))).messages[0]?.result?.['echo'], 'tools/list')
    const { headers } = hers.stream.posted.at(-1)!
    assert.match(headers.authorization ?? '', /^Bearer ey/)
    assert.notEqual(headers.authorization, `Bearer ${ada}`)
    assert.notEqual(headers.authorization, his.stream.headers.authorization)
    assert.equal(headers['mcp-session-id'], undefined)
    assert.equal(his.stream.posted.length, 1, 'nothing of hers went on his stream')
    assert.equal(
      (await post(gate.mcpUrl, eve, legacyRequest('tools/list'), { headers: { 'mcp-session-id': hers.id } }))
        .status,
      404,
    )
  })

  it('finds its answers by their ids, and the ids that the client chose come back (A38)', async () => {
    const session = await open(ada)
    const held: Record<string, unknown>[] = []
    server.onPost = (message, stream) => {
      held.push(message)
      if (held.length < 2) return
      for (const { id, params } of held.toReversed()) stream.say({ id, result: { for: params } })
    }
    const calls = ['a', 'b'].map((name) =>
      session.send(legacyRequest('tools/call', { name, arguments: {} }, `mine-${name}`)),
    )
    const answers = await Promise.all(calls)
    assert.deepEqual(
      answers.map(({ messages }) => [messages[0]?.id, messages[0]?.result?.['for']]),
      ['a', 'b'].map((name) => [`mine-${name}`, { name, arguments: {} }]),
    )
  })

  it('reaches the stream of its own client alone, and is answered from there alone (A30, A32)', async () => {
    const [hers, his] = [await open(ada), await open(eve)]
    const [herStream, hisStream] = [await listen(ada, hers.id), await listen(eve, his.id)]
    hers.stream.say({ id: 'q', method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } })
    hers.stream.say({ method: 'notifications/message', params: { level: 'info', data: 'for ada' } })
    await until(() => herStream.read().includes('for ada'))
    assert.match(herStream.read(), /sampling\/createMessage/)
    assert.doesNotMatch(hisStream.read(), /for ada|sampling/)
    const id = /"id":"([^"]+)"/.exec(herStream.read())?.[1]
    const answer = { jsonrpc: '2.0', id, result: { role: 'assistant' } }
    assert.equal((await his.send(answer)).status, 400)
    assert.equal((await hers.send(answer)).status, 202)
    await until(() => hers.stream.posted.some(({ message }) => message['id'] === 'q'))
    assert.ok(
      !his.stream.posted.some(({ message }) => message['id'] === 'q'),
      'no answer for what was not asked',
    )
    for (const one of [herStream, hisStream]) one.close()
  })

  it('may ping before it has answered initialize, and is answered in the session that is being opened (A30)', async () => {
    server.onPost = (message, stream) => {
      if (message['method'] === 'initialize') stream.say({ id: 'early', method: 'ping' })
      answerAll(message, stream)
    }
    const params = { protocolVersion: '2024-11-05', capabilities: {} }
    const { headers, messages } = await post(gate.mcpUrl, ada, legacyRequest('initialize', params))
    const session = { 'mcp-session-id': headers.get('mcp-session-id') as string }
    const pong = { jsonrpc: '2.0', id: messages[0]?.id, result: {} }
    assert.equal((await post(gate.mcpUrl, ada, pong, { headers: session })).status, 202)
    const { posted } = server.streams.at(-1)!
    await until(() => posted.at(-1)?.message['id'] === 'early')
  })

  it('puts progress on the answer that it belongs to', async () => {
    const session = await open(ada)
    server.onPost = ({ id, params }, stream) => {
      const { progressToken } = (params as Record<string, Record<string, unknown>>)['_meta'] ?? {}
      stream.say({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
      stream.say({ id, result: {} })
    }
    const params = { name: 'a', arguments: {}, _meta: { progressToken: 'mine' } }
    const { messages } = await session.send(legacyRequest('tools/call', params))
    assert.deepEqual(messages[0]?.params, { progressToken: 'mine', progress: 1 })
    assert.equal(messages[1]?.id, 7)
  })

  it('is said to name a wrong endpoint if there is nothing, and not to have forgotten a session', async () => {
    server.endpoint = '/outer/post?n={n}'
    const { status } = await post(gate.mcpUrl, ada, initialize)
    server.endpoint = '/post?n={n}'
    assert.equal(status, 502)
    const { code, reason } = (await gate.audit()).at(-1) ?? {}
    const expected = 'the server answered 404 to a message at /outer/post, the endpoint that it named'
    assert.deepEqual([code, reason], ['upstream_invalid', expected])
  })

  it('is left when the session ends, and a session whose stream broke goes on in another one (N26)', async () => {
    const [first, second] = [await open(ada), await open(ada)]
    assert.equal((await first.send(undefined, 'DELETE')).status, 200)
    await until(() => first.stream.closed)
    assert.equal((await first.send(legacyRequest('tools/list'))).status, 404)
    server.onPost = (_message, stream) => stream.end()
    assert.equal((await second.send(legacyRequest('tools/list'))).status, 502)
    server.onPost = answerAll
    assert.equal((await second.send(legacyRequest('tools/list'))).status, 200)
  })

  it('is not thought to be down because a client ends its session with requests in it (A36)', async () => {
    const session = await open(ada)
    server.onPost = () => undefined
    const calls = Array.from({ length: 5 }, (_, id) => session.send(legacyRequest('tools/list', {}, id)))
    await until(
      () => session.stream.posted.filter(({ message }) => message['method'] === 'tools/list').length === 5,
    )
    assert.equal((await session.send(undefined, 'DELETE')).status, 200)
    const statuses = (await Promise.all(calls)).map(({ status }) => status)
    assert.deepEqual(statuses, [404, 404, 404, 404, 404])
    server.onPost = answerAll
    await open(eve)
  })

  it('takes a batch of the revision that has them, and answers it together (O4)', async () => {
    const opening = legacyRequest('initialize', { protocolVersion: '2025-03-26', capabilities: {} })
    const opened = await post(gate.mcpUrl, ada, opening)
    const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') as string }
    const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
    const batch = [legacyRequest('tools/list', {}, 'a'), initialized, legacyRequest('ping', {}, 'b')]
    const { messages } = await post(gate.mcpUrl, ada, batch, { headers })
    const answers = messages[0] as unknown as { id: string; result: { echo: string } }[]
    assert.deepEqual(
      answers
        .map(({ id, result }) => [id, result.echo])
        .toSorted(([left], [right]) => (left! < right! ? -1 : 1)),
      [
        ['a', 'tools/list'],
        ['b', 'ping'],
      ],
    )
    assert.equal((await post(gate.mcpUrl, ada, [initialized], { headers })).status, 202)
  })

  it('can be called by a modern client', async () => {
    const answer = await callModern(gate.mcpUrl, ada, 'server/discover')
    assert.deepEqual(answer.messages[0]?.result?.['supportedVersions'], ['2026-07-28'])
    const opening = server.streams.at(-1)!.posted[0]!.message['params'] as Record<string, unknown>
    assert.deepEqual(opening['capabilities'], {}, 'towards the server the client can do nothing')
  })
})

describe('a server of HTTP+SSE that answers wrongly (A11, A71)', () => {
  it('cannot make the gateway post to another origin', async () => {
    const victim = await startSpyUpstream()
    const { host, port } = new URL(victim.url)
    for (const endpoint of [
      victim.url,
      `//${host}/mcp`,
      `http://127.0.0.1:${port}@127.0.0.1:${port}/`,
      'https://127.0.0.1/',
      'file:///etc/passwd',
      'http://',
    ]) {
      server.endpoint = endpoint
      const answer = await post(
        gate.mcpUrl,
        ada,
        legacyRequest('initialize', { protocolVersion: '2024-11-05' }),
      )
      assert.equal(answer.status, 502, endpoint)
    }
    assert.equal(victim.seen.length, 0, 'the victim was not called')
    await victim.close()
  })

  it('may name its endpoint in any way on its own origin', () => {
    const url = 'http://server:8080/a/sse?x=1'
    assert.equal(resolveEndpoint('/post?id=1', url), '/post?id=1')
    assert.equal(resolveEndpoint('post', url), '/a/post')
    assert.equal(resolveEndpoint(' http://server:8080/post ', url), '/post')
    assert.equal(resolveEndpoint('//server:8080/post', url), '/post')
    assert.throws(() => resolveEndpoint('http://server/post', url))
  })

  it('is 504 when it names none', async () => {
    server.endpoint = undefined
    const url = gate.url + hastyPath
    const token = await tokenFor(url, 'ada')
    const answer = await post(url, token, legacyRequest('initialize', { protocolVersion: '2024-11-05' }))
    assert.equal(answer.status, 504)
    await until(() => server.streams.at(-1)!.closed)
  })

  it('is 502 when it refuses a post, or says what is no JSON', async () => {
    const session = await open(ada)
    server.postStatus = 401
    assert.equal((await session.send(legacyRequest('tools/list'))).status, 502)
    server.postStatus = 202
    server.onPost = (_message, stream) => stream.raw('event: message\ndata: {no json\n\n')
    assert.equal((await session.send(legacyRequest('tools/list'))).status, 502)
  })
})
