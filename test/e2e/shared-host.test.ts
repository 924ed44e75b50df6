import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startDemoServer } from '../../demo/server.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { freePort, type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { memoryProvider } from '../support/sdk-provider.ts'
import { connectSignedIn } from '../support/sdk-sign-in.ts'
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.ts'
import { actionOf, csrfOf } from '../support/visitor.ts'

const rootDocument = '/.well-known/oauth-authorization-server'
/** What a proxy hands on for a gate: its path, and the well-known addresses about it. */
const belongsTo = (base: string, path: string): boolean =>
  new RegExp(`^(?:/\\.well-known/[^/]+)?${base}(?:[/?]|$)`).test(path)

let proxy: TlsProxy
let outer: Installation
let inner: Installation
let close: () => Promise<void>
before(async () => {
  const [port, first, second] = [await freePort(), await freePort(), await freePort()]
  proxy = await startTlsProxy({
    port,
    to: (path) => {
      if (belongsTo('/gate/inner', path)) return { port: second, path }
      if (belongsTo('/gate', path)) return { port: first, path }
      // For clients that look at the root alone.
      return path === rootDocument ? { port: first, path: `${rootDocument}/gate` } : undefined
    },
    headers: { 'x-forwarded-prefix': '/evil', 'x-forwarded-host': 'evil.example', 'x-original-url': '/evil' },
  })
  const identity = { issuer: `${proxy.url}/gate/gateway`, jwksUrl: `${proxy.url}/gate/gateway/jwks` }
  const demo = await startDemoServer({ host: '127.0.0.1', port: 0, gateway: identity })
  const baselineScopes = ['mcp:tools:read', 'mcp:tools:execute']
  outer = await startGate('/gate', first, [{ name: 'demo', path: '/mcp', url: demo.url, baselineScopes }])
  inner = await startGate('/gate/inner', second, [{ name: 'other', url: 'http://127.0.0.1:9/mcp' }])
  close = async () => {
    await outer.close()
    await inner.close()
    await demo.close()
    await proxy.close()
  }
})
after(() => close())

/** A gate in production mode, each with its own user: ada at one, bob at the other. */
async function startGate(
  base: string,
  gateway: number,
  upstreams: { name: string; url: string; path?: string; baselineScopes?: string[] }[],
): Promise<Installation> {
  const installation = await startInstallation({
    config: { mode: 'production', publicUrl: proxy.url + base, listen: { gateway }, upstreams },
  })
  const people = await openPeople(installation)
  await people.add({ name: base === '/gate' ? 'ada' : 'bob', password: goodPassword })
  await people.close()
  return installation
}

const person = (name: string): FormBrowser => new FormBrowser({ fill: { name, password: goodPassword } })

describe('a gate under a path of a host that it shares', () => {
  it('the SDK discovers, registers, signs in and calls a tool (AM4, D3, N30)', async () => {
    const provider = memoryProvider({ browser: () => person('ada') })
    const connected = await connectSignedIn(outer.mcpUrl, provider)
    const result = await connected.callTool({ name: 'add', arguments: { a: 2, b: 3 } })
    assert.deepEqual(result.structuredContent, { result: 5 })
    await connected.close()
    assert.equal(provider.callback().searchParams.get('iss'), outer.url)
    const seen = new Set(proxy.passed.map(({ path }) => path.split('?')[0]))
    for (const path of [
      '/.well-known/oauth-protected-resource/gate/mcp',
      '/.well-known/oauth-authorization-server/gate',
      '/gate/register',
      '/gate/token',
    ])
      assert.ok(seen.has(path), `${path} in ${[...seen].join(' ')}`)
    for (const { path, headers, body } of proxy.passed)
      assert.doesNotMatch([...headers].flat().join('\n') + body, /evil/, path)
  })

  it('keeps its cookies to its path, apart from those of a gate below it (X4)', async () => {
    const began = proxy.passed.length
    const browser = new FormBrowser()
    const enter = async (gate: Installation, name: string): Promise<void> => {
      const login = await browser.open(`${gate.url}/login`)
      const fields = { csrf: csrfOf(login.html), name, password: goodPassword }
      const entered = await browser.open(new URL(actionOf(login.html), gate.url).href, fields)
      assert.equal(entered.status, 303, name)
    }
    const whoAt = async (gate: Installation): Promise<string | undefined> =>
      /You are signed in as <strong>(\w+)</.exec((await browser.open(`${gate.url}/account`)).html)?.[1]
    await enter(outer, 'ada')
    await enter(inner, 'bob')
    assert.deepEqual([await whoAt(outer), await whoAt(inner)], ['ada', 'bob'])
    const { html } = await browser.open(`${inner.url}/logout`)
    await browser.open(`${inner.url}/logout`, { csrf: csrfOf(html) })
    assert.deepEqual([await whoAt(outer), await whoAt(inner)], ['ada', undefined])

    const set = proxy.passed.slice(began).flatMap(({ path, headers }) => {
      const base = path.startsWith('/gate/inner') ? '/gate/inner' : '/gate'
      return headers.getSetCookie().map((cookie) => ({ base, cookie }))
    })
    const names = new Map<string, string>()
    for (const { base, cookie } of set) {
      assert.match(cookie, /^__Secure-portcullis-/, cookie)
      assert.match(cookie, /; ?secure/i)
      assert.match(cookie, /; ?httponly/i)
      assert.doesNotMatch(cookie, /domain=/i)
      const path = /; ?path=([^;]*)/i.exec(cookie)?.[1] ?? ''
      assert.equal(path, base, cookie)
      const name = cookie.slice(0, cookie.indexOf('='))
      assert.equal(names.get(name) ?? base, base, `${name} is of one gate`)
      names.set(name, base)
    }
    assert.ok(names.size >= 4, 'the sessions of both and their signatures')
  })

  it('is found by a client that looks at the root alone, where the proxy leads it (AM1)', async () => {
    const response = await fetch(proxy.url + rootDocument)
    const metadata = (await response.json()) as Record<string, string>
    assert.equal(metadata['issuer'], outer.url)
    assert.equal(metadata['registration_endpoint'], `${outer.url}/register`)
    const client = await OAuthClient.register(outer.url, {
      redirect_uris: ['http://localhost:8090/callback'],
    })
    const { access_token: token } = await client.signIn({}, person('ada'))
    assert.ok(token, 'with no resource: the only one there is')
  })
})
