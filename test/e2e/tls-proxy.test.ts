import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { startDemoServer } from '../../demo/server.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { freePort, type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { memoryProvider } from '../support/sdk-provider.ts'
import { connectSignedIn } from '../support/sdk-sign-in.ts'
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.ts'

const clientAddress = '198.51.100.7'
/** The address is the client's; everything else would plant another host, scheme or path. */
const hostile = {
  'x-forwarded-for': clientAddress,
  forwarded: `for=${clientAddress};host=evil.example;proto=http`,
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'http',
  'x-forwarded-port': '81',
  'x-forwarded-prefix': '/evil-prefix',
  'x-forwarded-server': 'evil.example',
  'x-original-host': 'evil.example',
  'x-original-url': '/evil-prefix',
}
/** The MCP server stands under a prefix, as the proxy knows it. */
const path = '/team/mcp'
const redirectUri = 'http://localhost:8090/callback'

let proxy: TlsProxy
let installation: Installation
let close: () => Promise<void>
let url: string
before(async () => {
  const [port, gateway] = [await freePort(), await freePort()]
  proxy = await startTlsProxy({ port, to: gateway, headers: hostile })
  url = proxy.url
  const identity = { issuer: `${url}/gateway`, jwksUrl: `${url}/gateway/jwks` }
  const demo = await startDemoServer({ host: '127.0.0.1', port: 0, gateway: identity })
  installation = await startInstallation({
    config: {
      mode: 'production',
      publicUrl: url,
      listen: { gateway },
      trustedProxies: ['127.0.0.1'],
      upstreams: [
        { name: 'demo', path, url: demo.url, baselineScopes: ['mcp:tools:read', 'mcp:tools:execute'] },
      ],
    },
  })
  const people = await openPeople(installation)
  await people.add({ name: 'ada', password: goodPassword })
  await people.close()
  close = async () => {
    await installation.close()
    await demo.close()
    await proxy.close()
  }
})
after(() => close())

const person = (): FormBrowser => new FormBrowser({ fill: { name: 'ada', password: goodPassword } })

/** Every URL that stands in a text, which is what somebody would follow. */
const urlsIn = (text: string): string[] =>
  [...text.matchAll(/https?:\/\/[^\s"'<>\\),;&]+/g)].map(([one]) => one)

describe('behind a proxy at which TLS ends', () => {
  const seen = (): TlsProxy['passed'] => proxy.passed.slice(began)
  let began = 0
  beforeEach(() => {
    began = proxy.passed.length
  })

  it('the SDK discovers, registers, signs in and calls a tool under a path (N30, A39)', async () => {
    const provider = memoryProvider({ browser: person })
    const connected = await connectSignedIn(url + path, provider)
    const result = await connected.callTool({ name: 'add', arguments: { a: 2, b: 3 } })
    assert.deepEqual(result.structuredContent, { result: 5 })
    await connected.close()
    assert.equal(provider.logins(), 1)
    assert.equal(provider.callback().searchParams.get('iss'), url)
    const steps = new Set(seen().map((one) => one.path.split('?')[0]))
    for (const step of [
      `/.well-known/oauth-protected-resource${path}`,
      '/register',
      '/authorize',
      '/token',
    ]) {
      assert.ok(steps.has(step), `${step} in ${[...steps].join(' ')}`)
    }
  })

  it('every URL is built from the public one: metadata, challenges, redirects, pages (A39, N30, D5)', async () => {
    for (const kind of [
      'oauth-authorization-server',
      'openid-configuration',
      `oauth-protected-resource${path}`,
    ]) {
      const response = await fetch(`${url}/.well-known/${kind}`, { headers: hostile })
      assert.equal(response.status, 200, kind)
      const named = urlsIn(await response.text())
      assert.ok(named.length > 1, kind)
      for (const one of named) assert.ok(one === url || one.startsWith(`${url}/`), one)
    }
    const challenge = (await fetch(url + path, { method: 'POST' })).headers.get('www-authenticate') ?? ''
    assert.deepEqual(urlsIn(challenge), [`${url}/.well-known/oauth-protected-resource${path}`])

    const oauth = await OAuthClient.register(url, { redirect_uris: [redirectUri] })
    const tokens = await oauth.signIn({ scope: 'mcp:tools', resource: url + path }, person())
    const refreshed = await oauth.refresh(tokens.refresh_token)
    assert.equal(refreshed.status, 200)
    const called = await fetch(url + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${refreshed.body.access_token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(legacyRequest('initialize', initialize)),
    })
    assert.equal(called.status, 200)
    await called.text()

    const redirects = seen().flatMap(({ headers }) => headers.get('location') ?? [])
    assert.ok(redirects.length >= 4, 'login, consent and the way back')
    for (const to of redirects) {
      const { origin, href } = new URL(to, url)
      assert.ok(origin === url || href.startsWith(`${redirectUri}?`), to)
    }
    for (const { path: at, headers, body } of seen()) {
      const everything = [...headers].flat().join('\n') + body
      assert.doesNotMatch(everything, /evil/, at)
      const inside = urlsIn(everything).filter(
        (one) => one.includes('//127.0.0.1') || one.includes('//localhost'),
      )
      for (const one of inside) assert.ok(one.startsWith(url) || one.startsWith('http://localhost:8090'), one)
    }
  })

  it('every cookie is for this host over TLS alone (X4)', async () => {
    const oauth = await OAuthClient.register(url, { redirect_uris: [redirectUri] })
    await oauth.authorize({}, person())
    const cookies = seen().flatMap(({ headers }) => headers.getSetCookie())
    const kept = cookies.filter((cookie) => !cookie.includes('expires=Thu, 01 Jan 1970'))
    assert.ok(kept.some((cookie) => cookie.startsWith('__Host-portcullis')))
    for (const cookie of kept) {
      assert.match(cookie, /^__(?:Host|Secure)-/, cookie)
      assert.match(cookie, /; ?secure/i, cookie)
      assert.match(cookie, /; ?httponly/i, cookie)
      assert.doesNotMatch(cookie, /domain=|evil/i, cookie)
      if (cookie.startsWith('__Host-')) assert.match(cookie, /; ?path=\/(?:;|$)/i, cookie)
    }
  })

  it('the audit has the address of the client, and a foreign Host is refused (A39)', async () => {
    await fetch(url + path, { method: 'POST' })
    const addresses = new Set((await installation.audit()).map(({ address }) => address))
    assert.deepEqual([...addresses], [clientAddress])
    const foreign = await fetch(installation.gatewayUrl + path, { headers: hostile })
    assert.equal(foreign.status, 403, 'the proxy has to pass on Host as it came')
  })
})

const initialize = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
}
