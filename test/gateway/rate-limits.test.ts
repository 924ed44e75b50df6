import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { connectAuto } from '../support/auto-client.ts'
import {
  type Answer,
  type GatedSpy,
  legacyRequest,
  modernRequest,
  startGatedSpy,
} from '../support/gated-spy.ts'
import { OAuthClient } from '../support/oauth.ts'

const list = legacyRequest('tools/list')
const call = (name: string): object => legacyRequest('tools/call', { name, arguments: {} })

function assertTooMany({ status, headers, json }: Answer): void {
  assert.deepEqual([status, json.error?.data['code']], [503, 'too_many_requests'])
  assert.ok(Number(headers.get('retry-after')) >= 1)
}

type Limits = ConfigInput['limits']
type OwnLimits = NonNullable<ConfigInput['upstreams']>[number]['limits']

async function startLimited(test: TestContext, limits: Limits, own: OwnLimits = {}): Promise<GatedSpy> {
  const gate = await startGatedSpy({ limits }, undefined, { limits: own, responseSeconds: 30 })
  test.after(() => gate.close())
  return gate
}

describe('requests in a minute', () => {
  it('are no failures of the server to those who watch it: log and metrics say that they are denied', async (test) => {
    const gate = await startGatedSpy({ log: { level: 'info', format: 'json' } }, undefined, {
      limits: { toolsPerMinute: { mail: 1 } },
    })
    test.after(() => gate.close())
    const token = await gate.tokenFor('mcp:*')
    await gate.post(call('mail'), { token })
    assertTooMany(await gate.post(call('mail'), { token }))
    const line = gate.installation
      .log()
      .split('\n')
      .find((one) => one.includes('too_many_requests'))
    assert.match(line ?? '', /"outcome":"denied"/)
    const metrics = await (await fetch(`${gate.installation.adminUrl}/metrics`)).text()
    const outcomes = metrics.matchAll(/^portcullis_mcp_operations_total\{.*outcome="(\w+)"\} (\d+)$/gm)
    assert.deepEqual(
      [...outcomes].map(([, outcome, count]) => [outcome, count]),
      [
        ['allowed', '1'],
        ['denied', '1'],
      ],
    )
  })

  it('have a limit for each caller, with an answer that is no sign of an era (A36, A70)', async (test) => {
    const gate = await startLimited(test, { perMinute: 3 })
    const [mine, theirs] = [await gate.tokenFor('mcp:*'), await gate.tokenFor('mcp:*')]
    for (let n = 0; n < 3; n++) assert.equal((await gate.post(list, { token: mine })).status, 200)
    assertTooMany(await gate.post(list, { token: mine }))
    const { body, headers } = modernRequest('server/discover')
    assertTooMany(await gate.post(body, { token: mine, headers }))
    assert.equal(gate.spy.seen.length, 3)
    assert.equal((await gate.post(list, { token: theirs })).status, 200)
  })

  it('are no reason for a client that looks for the era to take the older one (A70)', async (test) => {
    const gate = await startLimited(test, { perMinute: 1 })
    const token = await gate.tokenFor('mcp:*')
    assert.equal((await gate.post(list, { token })).status, 200)
    const { asked, isConnected } = await connectAuto(gate.installation.mcpUrl, token)
    assert.equal(isConnected, false)
    assert.ok(asked.includes('server/discover') && !asked.includes('initialize'), asked.join(' '))
  })

  it('have a limit for all users of a client (A36)', async (test) => {
    const gate = await startLimited(test, { perMinutePerClient: 2 })
    const other = await OAuthClient.register(gate.installation.url, {
      redirect_uris: ['http://127.0.0.1:1/cb'],
    })
    const { access_token: elsewhere } = await other.signIn({ scope: 'mcp:*' })
    for (let n = 0; n < 2; n++)
      assert.equal((await gate.post(list, { token: await gate.tokenFor('mcp:*') })).status, 200)
    assertTooMany(await gate.post(list, { token: await gate.tokenFor('mcp:*') }))
    assert.equal((await gate.post(list, { token: elsewhere })).status, 200)
  })

  it('have a limit for a server, whoever calls (A36)', async (test) => {
    const gate = await startLimited(test, {}, { perMinute: 2 })
    for (let n = 0; n < 2; n++)
      assert.equal((await gate.post(list, { token: await gate.tokenFor('mcp:*') })).status, 200)
    assertTooMany(await gate.post(list, { token: await gate.tokenFor('mcp:*') }))
  })

  it('have a limit for a tool, and one for each tool that is not named (A36)', async (test) => {
    const gate = await startLimited(test, {}, { toolsPerMinute: { mail: 1, '*': 2 } })
    const token = await gate.tokenFor('mcp:*')
    assert.equal((await gate.post(call('mail'), { token })).status, 200)
    assertTooMany(await gate.post(call('mail'), { token }))
    for (const tool of ['add', 'toString']) {
      for (let n = 0; n < 2; n++) assert.equal((await gate.post(call(tool), { token })).status, 200)
      assertTooMany(await gate.post(call(tool), { token }))
    }
    assert.equal((await gate.post(call('mail'), { token: await gate.tokenFor('mcp:*') })).status, 200)
  })

  it('count each call of a tool within a batch, and a name that is no text (A20, A36)', async (test) => {
    const gate = await startLimited(test, {}, { toolsPerMinute: { mail: 2 } })
    const batch = (count: number) =>
      Array.from({ length: count }, (_, id) =>
        legacyRequest('tools/call', { name: 'mail', arguments: {} }, id),
      )
    const headers = { 'mcp-protocol-version': '2025-03-26' }
    assertTooMany(await gate.post(batch(3), { token: await gate.tokenFor('mcp:*'), headers }))
    assert.equal(gate.spy.seen.length, 0)
    const token = await gate.tokenFor('mcp:*')
    const named = legacyRequest('tools/call', { name: ['mail'], arguments: {} })
    for (let n = 0; n < 2; n++) assert.equal((await gate.post(named, { token })).status, 200)
    assertTooMany(await gate.post(call('mail'), { token }))
    // No text can be made of it.
    for (const name of [{ toString: 1 }, [{ toString: 1 }]]) {
      const odd = legacyRequest('tools/call', { name, arguments: {} })
      assert.equal((await gate.post(odd, { token })).status, 200)
    }
  })

  it('do not count what was refused for want of a scope', async (test) => {
    const gate = await startLimited(test, {}, { toolsPerMinute: { mail: 1 } })
    const user = 'ada'
    const weak = await gate.tokenFor('mcp:tools:read', user)
    for (let n = 0; n < 3; n++) assert.equal((await gate.post(call('mail'), { token: weak })).status, 403)
    const strong = await gate.tokenFor('mcp:tools:execute', user)
    assert.equal((await gate.post(call('mail'), { token: strong })).status, 200)
  })
})

describe('places', () => {
  it('of a server are for all callers together, and come back (A36)', async (test) => {
    const gate = await startLimited(test, {}, { running: 1 })
    const tokens = [await gate.tokenFor('mcp:*'), await gate.tokenFor('mcp:*')]
    const { promise: arrived, resolve } = Promise.withResolvers<() => void>()
    const echo = gate.spy.answer
    gate.spy.answerWith((request, res) => resolve(() => echo(request, res)))
    const running = gate.post(list, { token: tokens[0] })
    const finish = await arrived
    assertTooMany(await gate.post(list, { token: tokens[1] }))
    gate.spy.answerWith(echo)
    finish()
    assert.equal((await running).status, 200)
    assert.equal((await gate.post(list, { token: tokens[1] })).status, 200)
  })

  it('of streams are others than those of requests (A36)', async (test) => {
    const gate = await startLimited(test, { running: 1, streams: 2 })
    const token = await gate.tokenFor('mcp:*')
    const echo = gate.spy.answer
    gate.spy.answerWith((_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.flushHeaders()
    })
    const { body, headers } = modernRequest('subscriptions/listen', {
      notifications: { toolsListChanged: true },
    })
    const ends = new AbortController()
    const open = () =>
      fetch(gate.installation.mcpUrl, {
        method: 'POST',
        signal: ends.signal,
        headers: { ...headers, 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      })
    assert.deepEqual([(await open()).status, (await open()).status], [200, 200])
    const refused = await open()
    assert.equal(refused.status, 503)
    await refused.text()
    gate.spy.answerWith(echo)
    assert.equal((await gate.post(list, { token })).status, 200, 'a place among the running ones is free')
    ends.abort()
  })
})
