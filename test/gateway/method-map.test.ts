import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { OAuthClient } from '../support/oauth.ts'

let gate: GatedSpy
before(async () => {
  gate = await startGatedSpy({ scopes: { 'archive:write': 'Change the archive' } }, undefined, {
    methods: {
      'x/archive': ['archive:write'],
      'x/search': ['mcp:resources:read'],
      'x/hello': [],
      'notifications/x/seen': ['mcp:resources:read'],
      'resources/list': ['mcp:prompts:list'],
      'logging/setLevel': ['mcp:tools:execute'],
      'tools/call': ['mcp:tools:execute', 'mcp:resources:read'],
    },
    listenFilters: { events: ['archive:write'] },
  })
})
after(() => gate.close())

async function statusOf(
  method: string,
  scope: string,
  params: Record<string, unknown> = {},
): Promise<number[]> {
  const token = await gate.tokenFor(scope)
  const modern = modernRequest(method, params)
  return [
    (await gate.post(legacyRequest(method, params), { token })).status,
    (await gate.post(modern.body, { token, headers: modern.headers })).status,
  ]
}

describe('methods that an operator maps', () => {
  it('pass in both eras with their scope, and with no other (A22)', async () => {
    assert.deepEqual(await statusOf('x/search', 'mcp:resources:read'), [200, 200])
    assert.deepEqual(await statusOf('x/search', 'mcp:tools'), [403, 403])
    assert.deepEqual(await statusOf('x/hello', 'mcp:tools:read'), [200, 200])
    const seen = gate.spy.seen.length
    assert.deepEqual(await statusOf('X/Search', 'mcp:*'), [200, 404], 'a legacy error comes with 200')
    assert.deepEqual(await statusOf('x/other', 'mcp:*'), [200, 404])
    assert.equal(gate.spy.seen.length, seen)
  })

  it('can be notifications, which are not requests (A22)', async () => {
    const notification = { jsonrpc: '2.0', method: 'notifications/x/seen' }
    const tell = async (scope: string): Promise<number> =>
      (await gate.post(notification, { token: await gate.tokenFor(scope) })).status
    assert.equal(await tell('mcp:resources:read'), 202)
    const seen = gate.spy.seen.length
    assert.equal(await tell('mcp:tools:read'), 403)
    assert.deepEqual(await statusOf('notifications/x/seen', 'mcp:*'), [200, 404], 'no request of that name')
    assert.equal(gate.spy.seen.length, seen)
  })

  it('say what an entry of a listen filter needs, of MCP or of the operator (A23)', async () => {
    const listen = async (scope: string, notifications: object): Promise<number | undefined> =>
      (await statusOf('subscriptions/listen', scope, { notifications }))[1]
    assert.equal(await listen('mcp:prompts:list', { resourcesListChanged: true }), 200)
    assert.equal(await listen('mcp:resources:list', { resourcesListChanged: true }), 403)
    assert.equal(await listen('mcp:tools:read', { toolsListChanged: true }), 200)
    assert.equal(await listen('archive:write', { events: { of: 'all' } }), 200)
    assert.equal(await listen('mcp:*', { events: { of: 'all' } }), 403)
    assert.equal(await listen('mcp:*', { others: true }), 400)
  })

  it('need the scopes of the operator in place of those of MCP (A15)', async () => {
    const level = { level: 'info' }
    assert.equal((await statusOf('logging/setLevel', 'mcp:resources:read', level))[0], 403)
    assert.equal((await statusOf('logging/setLevel', 'mcp:tools:execute', level))[0], 200)
    const params = { name: 'add', arguments: {} }
    assert.deepEqual(await statusOf('tools/call', 'mcp:tools:execute', params), [403, 403])
    assert.deepEqual(await statusOf('tools/call', 'mcp:tools:execute mcp:resources:read', params), [200, 200])
  })

  it('can need a scope of the operator, which is granted, shown in words, and asked for (V8, N27)', async () => {
    assert.deepEqual(await statusOf('x/archive', 'archive:write'), [200, 200])
    assert.deepEqual(await statusOf('x/archive', 'mcp:*'), [403, 403])
    const lacking = await gate.post(legacyRequest('x/archive'), { token: await gate.tokenFor('mcp:*') })
    assert.match(lacking.headers.get('www-authenticate') ?? '', /scope="(?:\S+ )*archive:write"/)
    const old = legacyRequest('initialize', { protocolVersion: '2025-06-18' })
    const { headers } = await gate.post(old)
    assert.match(headers.get('www-authenticate') ?? '', / archive:write"/, 'all at once')

    const { url } = gate.installation
    const metadata = await fetch(`${url}/.well-known/oauth-authorization-server`)
    assert.ok(
      ((await metadata.json()) as { scopes_supported: string[] }).scopes_supported.includes('archive:write'),
    )
    const client = await OAuthClient.register(url, { redirect_uris: ['https://app.example/cb'] })
    const browser = new FormBrowser()
    const { scope, access_token: token } = await client.signIn({ scope: 'archive:write' }, browser)
    assert.equal(scope, 'archive:write')
    assert.ok(
      browser.pages.some(({ html }) => html.includes('Change the archive <code>archive:write</code>')),
    )
    assert.equal((await gate.post(legacyRequest('x/archive'), { token })).status, 200)
  })

  it('are refused in the configuration where their name or scope is none', () => {
    const upstream = (methods: Record<string, string[]>) => () =>
      loadConfig({ base: { upstreams: [{ name: 'a', url: 'http://127.0.0.1:1/mcp', methods }] } })
    assert.throws(upstream({ 'no such\n': [] }), /each key must be the name of a method/)
    assert.throws(upstream({ 'x/y': ['files:read'] }), /is neither a scope of MCP nor one of `scopes`/)
  })
})
