import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { holdPost } from '../support/held-post.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { echo } from '../support/spy-upstream.ts'
import { until } from '../support/until.ts'

let gate: GatedSpy
let clock: MovableClock
// The authorization server goes by the real time, so each test begins there.
beforeEach(async () => {
  clock = movableClock()
  gate = await startGatedSpy({ tokens: { accessTokenSeconds: 60 } }, clock, { responseSeconds: 30 })
})
afterEach(() => gate.close())

const list = legacyRequest('tools/list')
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function revoke(token: string): Promise<void> {
  const { status } = await gate.oauth.token({ token, client_id: 'user-client' }, { path: '/revoke' })
  assert.equal(status, 200)
}

describe('a revoked token', () => {
  it('does not come back in the moments around its end, when it would still pass (A9)', async () => {
    const token = await gate.tokenFor('mcp:*')
    await revoke(token)
    assert.equal((await gate.post(list, { token })).status, 401)
    clock.advance(61_000)
    await wait(1300) // the list of revocations is read anew every second
    assert.equal((await gate.post(list, { token })).status, 401)
  })

  it('lets no call in that was begun before, and whose body took its time (A9)', async () => {
    const token = await gate.tokenFor('mcp:*')
    // From now on the gate knows it, so that whatever has its head has passed the first look at it.
    assert.equal((await gate.post(list, { token })).status, 200)
    gate.spy.seen.length = 0
    const revision = { 'mcp-protocol-version': '2025-11-25' }
    const held = await holdPost(gate.installation.mcpUrl, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...revision },
      body: JSON.stringify(legacyRequest('tools/call', { name: 'add' })),
    })
    await revoke(token)
    const { status, challenge, body } = await held.finish()
    assert.equal(status, 401)
    assert.match(
      challenge ?? '',
      /^Bearer error="invalid_token",.* error_description="token ended while the request came/,
    )
    assert.match(challenge ?? '', / scope="[^"]* mcp:tools:execute"/, 'as where it had ended before')
    assert.match(body, /token_invalid/)
    assert.deepEqual(gate.spy.seen, [])
  })

  it('is told that it has ended, and not what it lacked, after a body that took its time (A9)', async () => {
    const token = await gate.tokenFor('mcp:prompts:list')
    assert.equal((await gate.post(list, { token })).status, 403)
    const held = await holdPost(gate.installation.mcpUrl, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(list),
    })
    await revoke(token)
    assert.equal((await held.finish()).status, 401)
  })
})

describe('a call that is running when its token is revoked', () => {
  it('is answered, in both eras, and is the last one', async () => {
    const modern = modernRequest('tools/call', { name: 'a' })
    for (const { body, headers } of [
      { body: legacyRequest('tools/call', { name: 'a' }), headers: {} },
      modern,
    ]) {
      const token = await gate.tokenFor('mcp:*')
      const { promise: working, resolve } = Promise.withResolvers<() => void>()
      gate.spy.answerWith((request, res) => resolve(() => echo(request, res)))
      const answer = gate.post(body, { token, headers })
      const finish = await working
      await revoke(token)
      await until(async () => (await gate.post(list, { token })).status === 401)
      finish()
      assert.equal((await answer).status, 200)
    }
  })
})

describe('a stream that a client holds open', () => {
  /** Where messages are looked at, a comment loses its text, which means nothing. */
  const wholeStream = {
    GET: /^: ?(?:open)?\n\n$/,
    'subscriptions/listen':
      /^: ?(?:open)?\n\nevent: message\ndata: {"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol\/subscriptionId":7}}}\n\n$/,
  }
  const streams = {
    'subscriptions/listen': modernRequest('subscriptions/listen', {
      notifications: { toolsListChanged: true },
    }),
    GET: { body: undefined, headers: {} as Record<string, string> },
  }

  /** Opens a stream; `text` resolves when it has ended. */
  async function open(
    kind: keyof typeof streams,
    token: string,
  ): Promise<{ readonly text: Promise<string> }> {
    gate.spy.answerWith((_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': open\n\n')
    })
    const { body, headers } = streams[kind]
    const response = await fetch(gate.installation.mcpUrl, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    assert.equal(response.status, 200)
    gate.spy.answerWith(echo)
    return { text: response.text() }
  }

  for (const kind of ['subscriptions/listen', 'GET'] as const) {
    it(`ends with the token that it was opened with, and with its answer (A9, N25): ${kind}`, {
      timeout: 60_000,
    }, async () => {
      const [revoked, expired, good] = [
        await gate.tokenFor('mcp:*'),
        await gate.tokenFor('mcp:*'),
        await gate.tokenFor('mcp:*'),
      ]
      const ended = await open(kind, revoked)
      await revoke(revoked)
      assert.match(await ended.text, wholeStream[kind])

      const other = await open(kind, expired)
      assert.equal(await Promise.race([other.text, wait(1500).then(() => 'runs')]), 'runs')
      clock.advance(70_000)
      assert.match(await other.text, wholeStream[kind])
      assert.equal((await gate.post(list, { token: good })).status, 401)
      // The server must not be left with streams that nobody hears.
      await until(() => gate.spy.aborted() === 2, 'the server is left')
    })
  }
})
