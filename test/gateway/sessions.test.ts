import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import type { Principal } from '../../src/core/principal.ts'
import { sealer } from '../../src/core/secret.ts'
import { personIn, principalName } from '../../src/gateway/sealed/owner.ts'
import { sealedSessions } from '../../src/gateway/sealed/session.ts'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { echo } from '../support/spy-upstream.ts'

let gate: GatedSpy
let mine: string
let session: string
before(async () => {
  gate = await startGatedSpy()
  mine = await gate.tokenFor('mcp:*')
  gate.spy.answerWith((request, res) => {
    if (request.body.includes('"initialize"')) res.setHeader('mcp-session-id', 'session-of-the-server')
    if (request.method === 'GET')
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end(': hello\n\n')
    else if (request.method === 'DELETE') res.writeHead(200).end()
    else echo(request, res)
  })
  const answer = await gate.post(legacyRequest('initialize', { protocolVersion: '2025-11-25' }), {
    token: mine,
  })
  session = answer.headers.get('mcp-session-id') ?? ''
})
after(() => gate.close())

const within = (id: string): Record<string, string> => ({ 'mcp-session-id': id })

describe('legacy sessions (A29, H1, H2)', () => {
  it('never show the id of the server', () => {
    assert.match(session, /^[\x21-\x7e]{40,}$/)
    assert.doesNotMatch(session, /session-of-the-server/)
    assert.doesNotMatch(Buffer.from(session, 'base64url').toString('latin1'), /session-of-the-server/)
  })

  it('reach the server as its own', async () => {
    for (const method of ['POST', 'GET', 'DELETE']) {
      const body = method === 'POST' ? legacyRequest('tools/list') : undefined
      assert.equal((await gate.post(body, { token: mine, headers: within(session), method })).status, 200)
      assert.equal(gate.spy.seen.at(-1)?.headers['mcp-session-id'], 'session-of-the-server')
      assert.equal(gate.spy.seen.at(-1)?.method, method)
    }
  })

  it('are 404 to everybody else, and to anybody who makes one up, also with a place in a stream (A31)', async () => {
    const theirs = await gate.tokenFor('mcp:*')
    const earlier = gate.spy.seen.length
    for (const method of ['POST', 'GET', 'DELETE']) {
      const body = method === 'POST' ? legacyRequest('tools/list') : undefined
      const foreign = await gate.post(body, {
        token: theirs,
        headers: { ...within(session), 'last-event-id': '1' },
        method,
      })
      assert.equal(foreign.status, 404)
      for (const id of [
        'session-of-the-server',
        'x',
        session.slice(0, -2),
        `${session.slice(0, 20)}AAAA${session.slice(24)}`,
      ]) {
        assert.equal((await gate.post(body, { token: mine, headers: within(id), method })).status, 404)
      }
    }
    assert.equal(gate.spy.seen.length, earlier)
  })

  it('are needed to come back to a place in a stream (A31)', async () => {
    await gate.post(undefined, { token: mine, headers: { 'last-event-id': '17' }, method: 'GET' })
    assert.equal(gate.spy.seen.at(-1)?.headers['last-event-id'], undefined)
  })

  it('open nothing without a token', async () => {
    assert.equal((await gate.post(legacyRequest('tools/list'), { headers: within(session) })).status, 401)
  })

  it('survive a restart', async () => {
    await gate.installation.restart()
    assert.equal(
      (await gate.post(legacyRequest('tools/list'), { token: mine, headers: within(session) })).status,
      200,
    )
  })

  it('are 404 when the server has forgotten them, so that the client begins anew (N26)', async () => {
    gate.spy.answerWith((_request, res) =>
      res.writeHead(404, { 'content-type': 'text/plain' }).end('no session'),
    )
    const answer = await gate.post(legacyRequest('tools/list'), { token: mine, headers: within(session) })
    assert.equal(answer.status, 404)
    assert.equal(answer.json.error?.message, 'Session not found')
    const opening = await gate.post(legacyRequest('initialize', {}), { token: mine })
    assert.equal(opening.status, 502, 'a server that is not there is no lost session')
    const without = await gate.post(legacyRequest('tools/list'), { token: mine })
    assert.equal(without.status, 502, 'nor is one that was never opened')
    const stream = await gate.post(undefined, { token: mine, method: 'GET' })
    assert.equal(stream.status, 405, 'nor is a stream that the server does not have')
    for (const type of ['text/html', 'application/json']) {
      gate.spy.answerWith((_request, res) => res.writeHead(200, { 'content-type': type }).end('{}'))
      const page = await gate.post(undefined, { token: mine, method: 'GET', headers: within(session) })
      assert.deepEqual([page.status, page.json.error?.code], [405, 405], `a page is no stream: ${type}`)
    }
    gate.spy.answerWith((_request, res) => res.writeHead(501, { 'content-type': 'text/html' }).end('<p>'))
    for (const method of ['GET', 'DELETE']) {
      const { status } = await gate.post(undefined, { token: mine, method, headers: within(session) })
      assert.equal(status, 405, `the server does not know ${method} at all`)
    }
    gate.spy.answerWith(echo)
  })

  it('are of the legacy era, whatever revision the client asked for', async () => {
    const initialize = legacyRequest('initialize', { protocolVersion: '2026-07-28' })
    gate.spy.answerWith((request, res) => {
      res.setHeader('mcp-session-id', 'agreed-on-an-older-one')
      if (request.method === 'POST') echo(request, res)
      else res.writeHead(200, { 'content-type': 'text/event-stream' }).end(': hello\n\n')
    })
    const opened = await gate.post(initialize, { token: mine })
    const headers = within(opened.headers.get('mcp-session-id') ?? '')
    // In 2025-03-26 no header names the revision.
    assert.equal((await gate.post(legacyRequest('tools/list'), { token: mine, headers })).status, 200)
    for (const method of ['GET', 'DELETE'])
      assert.equal((await gate.post(undefined, { token: mine, method, headers })).status, 200, method)
    gate.spy.answerWith(echo)
  })

  it('do not exist in the modern era, in neither direction (O15)', async () => {
    gate.spy.answerWith((request, res) => {
      res.setHeader('mcp-session-id', 'x')
      echo(request, res)
    })
    const { body, headers } = modernRequest('tools/list')
    const answer = await gate.post(body, {
      token: mine,
      headers: { ...headers, ...within('made-up'), 'last-event-id': '3' },
    })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('mcp-session-id'), null)
    assert.equal(gate.spy.seen.at(-1)?.headers['mcp-session-id'], undefined)
    assert.equal(gate.spy.seen.at(-1)?.headers['last-event-id'], undefined)
  })
})

it('a session belongs to one issuer, user, client and server, and to no other', () => {
  const sessions = sealedSessions(sealer(Buffer.alloc(32, 1)), systemClock)
  const owner = { issuer: 'https://a.example', subject: 'ada', clientId: 'c' } as Principal
  const id = sessions.seal(
    'own',
    { revision: '2025-11-25', initialize: undefined },
    { principal: owner, upstream: 's' },
  )
  const opened = (principal: Principal, upstream: string): unknown => sessions.open(id, principal, upstream)
  assert.notEqual(opened({ ...owner }, 's'), 'foreign')
  for (const other of [{ issuer: 'https://b.example' }, { subject: 'bob' }, { clientId: 'd' }])
    assert.equal(opened({ ...owner, ...other }, 's'), 'foreign', JSON.stringify(other))
  assert.equal(opened(owner, 't'), 'foreign')
})

it('a person is the same with each of their clients, and nobody else is', () => {
  const owner = { issuer: 'https://a.example', subject: 'ada', clientId: 'c' } as Principal
  const personOf = (other: Partial<Principal>): string => personIn(principalName({ ...owner, ...other }))
  assert.equal(personOf({ clientId: 'd' }), personOf({}))
  for (const other of [{ issuer: 'https://b.example' }, { subject: 'bob' }])
    assert.notEqual(personOf(other), personOf({}))
})
