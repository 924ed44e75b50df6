import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { redirectProblem } from '../../src/core/redirect-uri.ts'
import { documentRedirect, startDocumentHost } from '../support/document-host.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

const cursor = 'cursor://anysphere.cursor-mcp/oauth/callback'
const own = 'com.example.app:/oauth2redirect'

let installation: Installation
before(async () => {
  const registration = { privateUseRedirects: [cursor, own] }
  installation = await startInstallation({ config: { registration } })
})
after(() => installation.close())

async function register(redirectUris: readonly unknown[]): Promise<{ status: number; description: string }> {
  const response = await fetch(`${installation.url}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: redirectUris }),
  })
  const { error_description: description = '' } = (await response.json()) as Record<string, string>
  return { status: response.status, description }
}

/** Asks with a redirect URI and expects a page that leads nowhere. Returns it. */
async function assertPage(client: OAuthClient, redirectUri: string): Promise<string> {
  const browser = new FormBrowser()
  const url = client.authorizationUrl({ verifier: 'x'.repeat(43), redirectUri })
  assert.equal(await browser.visit(url), undefined, redirectUri)
  assert.equal(browser.lastPage.status, 400, redirectUri)
  assert.match(browser.lastPage.headers.get('content-type') ?? '', /^text\/html/)
  assert.doesNotMatch(browser.lastPage.html, /<form/)
  return browser.lastPage.html
}

describe('a redirect URI on the web (A41, P3)', () => {
  const registered = 'https://app.example/cb?a=1'
  for (const uri of [
    'https://app.example/cb',
    'https://app.example/cb?a=1&b=2',
    'https://app.example/cb?a=2',
    'https://app.example/cb/?a=1',
    'https://app.example/cb/x?a=1',
    'https://app.example/CB?a=1',
    'https://APP.example/cb?a=1',
    'HTTPS://app.example/cb?a=1',
    'https://app.example:443/cb?a=1',
    'https://app.example:8443/cb?a=1',
    'https://app.example/%63b?a=1',
    'https://app.example/%2e/cb?a=1',
    'https://app.example/x/../cb?a=1',
    'https://app.example//cb?a=1',
    'https://app.example\\cb?a=1',
    'https://app.example/cb?a=1#f',
    'https://app.example/cb?a=1%00',
    'https://app.example/cb?a=1 ',
    'https://app.example@evil.example/cb?a=1',
    'https://good@app.example/cb?a=1',
    'https://evil.example/https://app.example/cb?a=1',
    'https://app.example.evil.example/cb?a=1',
    'https://sub.app.example/cb?a=1',
    'https://app.example./cb?a=1',
    'http://app.example/cb?a=1',
    '//app.example/cb?a=1',
    '/cb?a=1',
  ]) {
    it(`matches to the letter, which this does not: ${JSON.stringify(uri)}`, async () => {
      await assertPage(await OAuthClient.register(installation.url, { redirect_uris: [registered] }), uri)
    })
  }

  it('that is missing or sent twice is called that, and not one that leads elsewhere', async () => {
    const client = await OAuthClient.register(installation.url, { redirect_uris: [registered] })
    const said = async (change: (query: URLSearchParams) => void): Promise<string> => {
      const url = new URL(client.authorizationUrl({ verifier: 'x'.repeat(43), redirectUri: registered }))
      change(url.searchParams)
      const browser = new FormBrowser()
      assert.equal(await browser.visit(url.href), undefined)
      return browser.lastPage.html
    }
    assert.match(
      await said((query) => query.delete('redirect_uri')),
      /Missing required parameter &#39;redirect_uri&#39;/,
    )
    assert.match(
      await said((query) => query.append('redirect_uri', registered)),
      /&#39;redirect_uri&#39; parameter must not be provided twice/,
    )
    assert.match(
      await said((query) => query.set('redirect_uri', 'https://b.example/')),
      /leads somewhere unexpected/,
    )
  })

  it('matches as it was registered', async () => {
    const client = await OAuthClient.register(installation.url, { redirect_uris: [registered] })
    const { callback } = await client.authorize()
    assert.ok(callback.href.startsWith(`${registered}&`))
  })
})

describe('a redirect URI on loopback (A41, N13)', () => {
  it('may have any port, in each of the three spellings, which are not one', async () => {
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
      const uri = `http://${host}/cb`
      const client = await OAuthClient.register(installation.url, { redirect_uris: [uri] })
      for (const port of [1, 80, 65_535]) {
        const { callback } = await client.authorize({ redirectUri: `http://${host}:${port}/cb` })
        assert.equal(callback.hostname, host)
      }
      const others = [
        '127.0.0.1',
        'localhost',
        '[::1]',
        '127.0.0.2',
        '127.1',
        'localhost.',
        'LOCALHOST',
      ].filter((other) => other !== host)
      for (const other of others) await assertPage(client, `http://${other}:1/cb`)
      for (const wrong of [
        `https://${host}:1/cb`,
        `http://${host}:1/cb/`,
        `http://${host}:1/cb?x`,
        `http://${host}:x/cb`,
        `http://user@${host}:1/cb`,
        `http://${host}:1@evil.example/cb`,
        `http://${host}.evil.example:1/cb`,
        `http://evil.example\\@${host}:1/cb`,
      ]) {
        await assertPage(client, wrong)
      }
    }
  })
})

describe('a redirect URI with a scheme of its own (DEC7, N14, R16)', () => {
  it('is accepted to the letter where the operator allowed it, as real editors register', async () => {
    const uris = [
      'http://localhost:8787/callback',
      cursor,
      'https://www.cursor.com/agents/mcp/oauth/callback',
    ]
    const client = await OAuthClient.register(installation.url, {
      redirect_uris: uris,
      client_name: 'Cursor',
    })
    for (const redirectUri of uris) {
      const { callback, ...issued } = await client.authorize({ redirectUri })
      assert.ok(callback.href.startsWith(`${redirectUri}?`))
      const { status } = await client.redeem({ callback, ...issued }, { redirect_uri: redirectUri })
      assert.equal(status, 200)
    }
    for (const other of [`${cursor}/`, `${cursor}?x`, 'cursor://evil/oauth/callback', `${cursor}#f`, own])
      await assertPage(client, other)
  })

  it('is refused otherwise, with what to do about it', async () => {
    for (const uri of [
      'myapp://callback',
      `${cursor}/`,
      `${cursor}?x=1`,
      'CURSOR://anysphere.cursor-mcp/oauth/callback',
      'com.example.app:/other',
      'vscode://x/y',
    ]) {
      const { status, description } = await register([uri])
      assert.equal(status, 400, uri)
      assert.match(description, /allow exactly this URI in registration\.privateUseRedirects/)
    }
  })

  it('never runs anything, nor opens a file', async () => {
    for (const uri of [
      'javascript:alert(1)',
      'JavaScript:alert(1)',
      ' javascript:alert(1)',
      'java\nscript:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      'file:///etc/passwd',
      'blob:https://x/y',
      'about:blank',
      'intent://x#Intent;end',
    ]) {
      assert.equal((await register([uri])).status, 400, uri)
      assert.notEqual(redirectProblem(uri, [uri]), undefined, `${uri} although it is on the list`)
    }
  })

  it('has no fragment, not even an empty one (RFC 6749 section 3.1.2)', async () => {
    for (const uri of ['https://app.example/cb#x', 'https://app.example/cb#', 'http://127.0.0.1/cb#'])
      assert.equal(redirectProblem(uri), 'has a fragment', uri)
  })

  it('spoils a registration whose other addresses are good', async () => {
    assert.equal((await register([cursor, 'https://app.example/cb'])).status, 201)
    assert.equal((await register(['https://app.example/cb', 'myapp://cb'])).status, 400)
    assert.equal((await register(['https://app.example/cb', 'http://app.example/cb'])).status, 400)
    assert.equal((await register(['https://app.example/cb', 5])).status, 400)
  })

  it('that the operator takes back is nobody’s fault here, and what its client may do can be ended', async (test) => {
    const changing = await startInstallation({ config: { registration: { privateUseRedirects: [own] } } })
    test.after(() => changing.close())
    const client = await OAuthClient.register(changing.url, { redirect_uris: [own] })
    const browser = new FormBrowser()
    await client.authorize({}, browser)
    const asked = client.authorizationUrl({ verifier: 'x'.repeat(43), extra: { prompt: 'consent' } })
    const { headers } = await browser.open(asked)
    await changing.restart({ registration: { privateUseRedirects: [] } })

    const waiting = await browser.open(new URL(headers.get('location') ?? '', changing.url).href)
    assert.equal(waiting.status, 400)
    assert.match(waiting.html, /registration\.privateUseRedirects.*\(invalid_redirect_uri\)/s)
    const refused = (await changing.audit()).findLast(({ outcome }) => outcome === 'denied')
    assert.match(`${refused?.code}: ${refused?.reason}`, /^invalid_redirect_uri: redirect_uris must/)
    const account = await browser.open(`${changing.url}/account`)
    assert.equal(account.status, 200)
    assert.match(account.html, new RegExp(`name="client_id" value="${client.clientId}"`))
    assert.doesNotMatch(changing.log(), /"outcome":"failed"/)
  })

  it('spoils a metadata document as well, of which the page says so', async (test) => {
    const host = await startDocumentHost()
    test.after(() => host.close())
    const id = host.publish('/client.json', { redirect_uris: [documentRedirect, 'myapp://cb'] })
    const page = await assertPage(new OAuthClient(installation.url, id), documentRedirect)
    assert.match(page, /registration\.privateUseRedirects/)
    assert.doesNotMatch(page, /not one that the program registered/)
  })
})
