import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Dispatcher } from 'undici'
import { endSession, openSession } from '../../src/upstream/streamable/open-session.ts'

const json = { 'content-type': 'application/json', 'mcp-session-id': 'mine' }
const result = (protocolVersion: unknown, id = 0): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion } })

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly text?: string
}

/** A server that gives an answer to each of the first requests, and 202 to all others. */
function serve(...answers: readonly Answer[]) {
  const asked: Dispatcher.RequestOptions[] = []
  let dumped = 0
  const dispatcher = {
    async request(options: Dispatcher.RequestOptions) {
      const { status = 202, headers = {}, text = '' } = answers[asked.push(options) - 1] ?? {}
      const body = (async function* () {
        yield Buffer.from(text)
      })()
      return { statusCode: status, headers, body: Object.assign(body, { dump: async () => void dumped++ }) }
    },
  } as unknown as Dispatcher
  return {
    target: { dispatcher, url: 'http://server/mcp?a=1', responseSeconds: 3 },
    asked,
    dumped: () => dumped,
  }
}

const own = ['Authorization', 'Bearer own']
const open = ({ target }: ReturnType<typeof serve>) => openSession(target, { capabilities: {} }, own)
/** The limits in time that are set from now on. */
function watchLimits(test: TestContext): () => unknown[] {
  const { mock } = test.mock.method(AbortSignal, 'timeout')
  return () => mock.calls.map((call) => call.arguments[0])
}
const headersOf = ({ headers }: Dispatcher.RequestOptions): Record<string, string | undefined> => {
  const list = headers as string[]
  return Object.fromEntries(
    list.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), list[at + 1]]] : [])),
  )
}

describe('a session that is opened for a client', () => {
  it('is opened as the client would, within the time that an answer may take', async (test) => {
    const limits = watchLimits(test)
    const server = serve({ status: 200, headers: json, text: result('2025-06-18') })
    assert.deepEqual(await open(server), { id: 'mine', revision: '2025-06-18' })
    assert.deepEqual(limits(), [3000])
    assert.deepEqual(
      server.asked.map(({ method, path, body }) => [method, path, JSON.parse(body as string).method]),
      [
        ['POST', '/mcp?a=1', 'initialize'],
        ['POST', '/mcp?a=1', 'notifications/initialized'],
      ],
    )
    const sent = server.asked.map(headersOf)
    assert.deepEqual(
      sent.map((headers) => [
        headers['authorization'],
        headers['mcp-session-id'],
        headers['mcp-protocol-version'],
      ]),
      [
        ['Bearer own', undefined, undefined],
        ['Bearer own', 'mine', '2025-06-18'],
      ],
    )
    assert.equal(server.dumped(), 1)
  })

  it('is none where the server opens none, whatever it says instead', async () => {
    for (const answer of [
      { status: 400, headers: json, text: result('2025-06-18') },
      { status: 404 },
      { status: 200, headers: { 'content-type': 'application/json' }, text: result('2025-06-18') },
      { status: 200, headers: json, text: result(2025) },
      { status: 200, headers: json, text: result('2025-06-18', 1) },
    ]) {
      const server = serve(answer)
      assert.equal(await open(server), undefined)
      assert.equal(server.asked.length, 1)
      assert.equal(server.dumped(), answer.status === 200 ? 0 : 1)
    }
  })

  it('is not lost where the server has no time for it, or does not accept the gateway (A70, N26)', async () => {
    for (const [status, code] of [
      [401, 'upstream_refused'],
      [403, 'upstream_refused'],
      [429, 'upstream_busy'],
      [500, 'upstream_invalid'],
    ] as const)
      await assert.rejects(open(serve({ status })), { code })
    const broken = { request: () => Promise.reject(new Error('broken')) } as unknown as Dispatcher
    await assert.rejects(openSession({ ...serve().target, dispatcher: broken }, {}, own), { name: 'Refusal' })
  })
})

describe('a session that nobody needs', () => {
  it('is ended at the server, whether or not that can be reached', async (test) => {
    const limits = watchLimits(test)
    const server = serve()
    const session = { id: 'mine', revision: '2025-06-18' }
    await endSession(server.target, session, own)
    const [asked] = server.asked as [Dispatcher.RequestOptions]
    assert.deepEqual([asked.method, asked.path, server.dumped(), limits()], ['DELETE', '/mcp?a=1', 1, [3000]])
    assert.deepEqual(headersOf(asked), {
      authorization: 'Bearer own',
      'mcp-session-id': 'mine',
      'mcp-protocol-version': '2025-06-18',
    })
    const broken = { request: () => Promise.reject(new Error('broken')) } as unknown as Dispatcher
    await endSession({ ...server.target, dispatcher: broken }, session, own)
  })
})
