import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Principal } from '../../src/core/principal.ts'
import { sealer } from '../../src/core/secret.ts'
import { sealedSessions } from '../../src/gateway/sealed/session.ts'
import { askClient } from '../support/ask-client.ts'
import { type Answer, type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { movableClock } from '../support/movable-clock.ts'
import { echo } from '../support/spy-upstream.ts'

type Params = Record<string, unknown>

const hello = {
  protocolVersion: '2025-11-25',
  capabilities: { sampling: {}, elicitation: { form: {} } },
  clientInfo: { name: 'client', version: '1', icons: [{ src: `data:image/png;base64,${'A'.repeat(4000)}` }] },
}
const day = 24 * 60 * 60 * 1000

let gate: GatedSpy
let token: string
/** The sessions that the server knows, and the revision that it speaks in the next one. */
let live: Set<string>
let revision: string
let round = 0

before(async () => {
  gate = await startGatedSpy()
  token = await gate.tokenFor('mcp:*', 'ada')
})
after(() => gate.close())

beforeEach(() => {
  gate.spy.seen.length = 0
  live = new Set()
  revision = hello.protocolVersion
  let opened = 0
  round++
  gate.spy.answerWith((request, res) => {
    const id = String(request.headers['mcp-session-id'])
    if (request.body.includes('"initialize"')) {
      const session = `session-${++opened}-of-${round}`
      live.add(session)
      const { id: asked } = JSON.parse(request.body) as { id: unknown }
      const text = JSON.stringify({ jsonrpc: '2.0', id: asked, result: { protocolVersion: revision } })
      res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': session }).end(text)
    } else if (!live.has(id)) res.writeHead(404).end()
    else if (request.method === 'GET')
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end(': hello\n\n')
    else if (request.method === 'DELETE') res.writeHead(live.delete(id) ? 200 : 404).end()
    else {
      res.setHeader('mcp-session-id', id)
      echo(request, res)
    }
  })
})

async function open(params: Params = hello): Promise<string> {
  const { headers } = await gate.post(legacyRequest('initialize', params), { token })
  return headers.get('mcp-session-id') ?? ''
}

const within = (session: string, more: Record<string, string> = {}): Record<string, string> => ({
  'mcp-session-id': session,
  'mcp-protocol-version': '2025-11-25',
  ...more,
})

const call = (session: string, method = 'tools/call', params: Params = { name: 'a' }): Promise<Answer> =>
  gate.post(legacyRequest(method, params), { token, headers: within(session) })

const openings = (): { params: Params }[] =>
  gate.spy.seen.filter(({ body }) => body.includes('"initialize"')).map(({ body }) => JSON.parse(body))

/** What reached the server of a method, with the session that it was for. */
const reached = (method: string): string[] =>
  gate.spy.seen
    .filter((request) => request.method === method || request.body.includes(`"${method}"`))
    .map(({ headers }) => String(headers['mcp-session-id']).replace(/-of-\d+$/, ''))

describe('a session that the server has forgotten (N26)', () => {
  it('is opened again as the client opened it, and the request is repeated, without the client noticing', async () => {
    const session = await open()
    live.clear()
    const answer = await call(session)
    assert.deepEqual(answer.json.result, { echo: 'tools/call' })
    assert.equal(answer.headers.get('mcp-session-id'), session)
    const [first, second, ...more] = openings()
    assert.deepEqual(more, [])
    assert.deepEqual(first?.params, hello)
    assert.deepEqual(second?.params, { ...hello, clientInfo: { name: 'client', version: '1' } })
    assert.deepEqual(reached('notifications/initialized'), ['session-2'])
    assert.deepEqual(reached('tools/call'), ['session-1', 'session-2'])
    await call(session)
    assert.deepEqual(reached('tools/call').at(-1), 'session-2', 'the new one is remembered')
    const renewal = gate.spy.seen.find(({ body }) => body.includes('"name":"client","version":"1"}'))
    assert.match(String(renewal?.headers.authorization), /^Bearer /, 'with the credential of the gateway')
    assert.notEqual(renewal?.headers.authorization, `Bearer ${token}`)
  })

  it('is opened again once, however many requests find it gone', async () => {
    const session = await open()
    live.clear()
    const answers = await Promise.all(Array.from({ length: 10 }, () => call(session)))
    for (const { json } of answers) assert.deepEqual(json.result, { echo: 'tools/call' })
    assert.equal(openings().length, 2)
  })

  it('has the same successor after a restart and in every replica, also when that was forgotten, too (N31)', async () => {
    const session = await open()
    live.clear()
    await call(session)
    live.clear()
    await call(session)
    await gate.installation.restart()
    assert.equal((await call(session)).status, 200)
    assert.deepEqual(reached('tools/call').slice(-3), ['session-1', 'session-2', 'session-3'])
    assert.equal(openings().length, 3)
  })

  it('is not opened again for what has nothing to do in a new one, but that follows into one', async () => {
    const session = await open()
    const asked = await askClient(gate, { token, headers: within(session) })
    live.clear()
    const tries: [object | undefined, string, Record<string, string>][] = [
      [{ jsonrpc: '2.0', id: asked.id, result: {} }, 'POST', {}],
      [report(asked.progressToken), 'POST', {}],
      [undefined, 'GET', {}],
      [undefined, 'GET', { 'last-event-id': '17' }],
    ]
    const statuses = (): Promise<number[]> =>
      Promise.all(
        tries.map(async ([body, method, more]) => {
          return (await gate.post(body, { token, method, headers: within(session, more) })).status
        }),
      )
    assert.deepEqual(await statuses(), [404, 404, 404, 404])
    assert.equal(openings().length, 1)
    await call(session)
    assert.deepEqual(await statuses(), [200, 202, 200, 404], 'a place in a stream is one in the old session')
    assert.equal(openings().length, 2)
  })

  it('stays over where the client has ended it (H3), also by its successor', async () => {
    const session = await open()
    const end = (): Promise<Answer> =>
      gate.post(undefined, { token, method: 'DELETE', headers: within(session) })
    live.clear()
    await call(session)
    await gate.installation.restart()
    assert.equal((await end()).status, 200)
    assert.deepEqual(reached('DELETE'), ['session-2'])
    assert.equal((await call(session)).status, 404)
    assert.equal((await end()).status, 404)
    assert.equal(openings().length, 2)
  })

  for (const method of ['resources/subscribe', 'logging/setLevel']) {
    it(`is 404 where the client counts on what it held: ${method}`, async () => {
      const session = await open()
      const params = { uri: 'test:///a', level: 'info' }
      assert.equal((await call(session, method, params)).status, 200)
      live.clear()
      assert.equal((await call(session)).status, 404)
      assert.equal(openings().length, 1)
    })
  }

  it('is 404 where the server goes on in another revision, and what it opened is closed', async () => {
    const session = await open()
    live.clear()
    revision = '2025-06-18'
    assert.equal((await call(session)).status, 404)
    assert.deepEqual(reached('DELETE'), ['session-2'])
    assert.deepEqual(reached('tools/call'), ['session-1'])
  })

  it('is 404 where the client said more of itself than a session id can hold', async () => {
    const session = await open({ ...hello, capabilities: { experimental: { a: 'x'.repeat(1100) } } })
    assert.ok(session.length < 200)
    live.clear()
    assert.equal((await call(session)).status, 404)
    assert.ok((await open()).length < 700)
  })

  it('is nobody else’s, and a server that forgets at once is not asked without end', async () => {
    const session = await open()
    live.clear()
    const theirs = await gate.tokenFor('mcp:*')
    const foreign = await gate.post(legacyRequest('ping'), { token: theirs, headers: within(session) })
    assert.equal(foreign.status, 404)
    assert.equal(openings().length, 1)
    live.has = () => false
    assert.equal((await call(session)).status, 404)
    assert.equal(openings().length, 2)
  })

  it('is not opened again after a week, until when it is known which ones were ended', () => {
    const clock = movableClock()
    const sessions = sealedSessions(sealer(randomBytes(32)), clock)
    const owner = { issuer: 'i', subject: 's', clientId: 'c' } as Principal
    const opening = { revision: '2025-11-25', initialize: '{"a":"\\n"}' } as const
    const id = sessions.seal('theirs', opening, { principal: owner, upstream: 'u' })
    const renewal = (): object | undefined => {
      const session = sessions.open(id, owner, 'u')
      assert.ok(typeof session === 'object' && session.upstreamId === 'theirs')
      return session.renewal
    }
    const until = clock.now() + 7 * day
    assert.ok(Math.abs((renewal() as { until: number }).until - until) < 5000)
    assert.equal((renewal() as { initialize: string }).initialize, '{"a":"\\n"}')
    clock.advance(7 * day)
    assert.equal(renewal(), undefined)
  })
})

function report(progressToken: string): object {
  return { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken } }
}
