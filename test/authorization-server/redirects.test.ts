import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

let installation: Installation
let client: OAuthClient
before(async () => {
  installation = await startInstallation()
  client = await OAuthClient.register(installation.url, { redirect_uris: ['https://evil.example/cb'] })
})
after(() => installation.close())

const verifier = 'a'.repeat(43)

/** The URL of a request with other parameters; undefined leaves one out. */
function requestUrl(changes: Readonly<Record<string, string | undefined>>, extra = ''): string {
  const url = new URL(client.authorizationUrl({ verifier }))
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  }
  return url.href + extra
}

const refused: readonly [string, Readonly<Record<string, string | undefined>>, string?][] = [
  ['unsupported_response_type', { response_type: 'token' }],
  ['unsupported_response_type', { response_type: 'id_token' }],
  ['unsupported_response_type', { response_type: 'none' }],
  ['unsupported_response_mode', { response_mode: 'form_post' }],
  ['unsupported_response_mode', { response_mode: 'fragment' }],
  ['unsupported_response_mode', { response_mode: 'web_message' }],
  ['invalid_request', { code_challenge: undefined, code_challenge_method: undefined }],
  ['invalid_request', { code_challenge_method: 'plain' }],
  ['invalid_request', { prompt: 'none login' }],
  ['invalid_request', { prompt: 'whatever' }],
  ['invalid_request', { max_age: '-1' }],
  ['invalid_request', {}, '&state=twice'],
  ['invalid_target', { resource: 'https://elsewhere.example/mcp' }],
  ['invalid_scope', { scope: 'no:such' }],
  ['request_not_supported', { request: 'eyJ' }],
  ['request_uri_not_supported', { request_uri: 'https://evil.example/r' }],
  ['registration_not_supported', { registration: '{}' }],
]

describe('a request that is refused before anybody has signed in (A45, P5)', () => {
  for (const [error, changes, extra = ''] of refused) {
    it(`sends nobody on by itself: ${error} ${JSON.stringify(changes)}${extra}`, async () => {
      const { status, headers, html } = await new FormBrowser().open(requestUrl(changes, extra))
      assert.equal(status, 400)
      assert.equal(headers.get('location'), null)
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
      assert.doesNotMatch(html, /<form|<script(?! src="\/assets\/)|http-equiv/i)
      assert.match(html, /The program will be told at <strong>evil\.example<\/strong>/)
      const callback = await new FormBrowser().visit(requestUrl(changes, extra))
      const answer = callback?.hash ? new URLSearchParams(callback.hash.slice(1)) : callback?.searchParams
      assert.equal(callback?.hostname, 'evil.example')
      assert.equal(answer?.get('error'), error)
      assert.equal(answer?.get('iss'), installation.url)
    })
  }

  it('is told which parameter is wrong, as that is spelled', async () => {
    const { html } = await new FormBrowser().open(requestUrl({ code_challenge_method: undefined }))
    assert.match(html, /accept\. code_challenge_method must be provided\./)
    const none = await new FormBrowser().open(requestUrl({ response_type: undefined }))
    assert.match(none.html, /accept\. Missing required parameter &#39;response_type&#39;\./)
  })

  it('sends nobody on who is signed in and has let the client in, either', async () => {
    const browser = new FormBrowser()
    await client.authorize({}, browser)
    for (const [, changes, extra] of refused) {
      assert.equal((await browser.open(requestUrl(changes, extra))).status, 400)
    }
    assert.equal((await browser.open(requestUrl({}))).status, 303, 'a good request goes on')
  })

  it('does not come of prompt=none or of unknown scopes beside others, which lead to the login', async () => {
    for (const changes of [{ prompt: 'none' }, { scope: 'no:such mcp:tools' }, { scope: '' }]) {
      const { headers } = await new FormBrowser().open(requestUrl(changes))
      assert.match(headers.get('location') ?? '', new RegExp(`^(?:${installation.url})?/interaction/`))
    }
  })
})

describe('the state (A47, P8)', () => {
  it('comes back byte by byte, with a code, with a refusal of the user and with one of ours', async () => {
    const visible = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 0x20 + index))
    for (const state of [visible, 'a+b%2Bc%20d', '%', '&state=x', 'x'.repeat(2000), 'ä€😀', '"><script>']) {
      const granted = await client.authorize({ state })
      const denying = new FormBrowser({ decision: 'deny' })
      const denied = await denying.visit(client.authorizationUrl({ verifier, state }))
      const wrong = await new FormBrowser().visit(requestUrl({ state, response_mode: 'form_post' }))
      for (const callback of [granted.callback, denied, wrong]) {
        assert.equal(callback?.searchParams.get('state'), state)
        assert.equal(callback?.searchParams.getAll('state').length, 1)
      }
    }
  })

  it('is absent where the request has none', async () => {
    const callback = await new FormBrowser().visit(requestUrl({ state: undefined }))
    assert.equal(callback?.searchParams.has('state'), false)
    assert.ok(callback?.searchParams.get('code'))
  })
})

describe('a parameter that stands twice (A47)', () => {
  for (const name of [
    'response_type',
    'client_id',
    'redirect_uri',
    'code_challenge',
    'code_challenge_method',
    'state',
    'scope',
    'prompt',
    'response_mode',
    'nonce',
    'max_age',
  ]) {
    it(`spoils the request, also with the same value: ${name}`, async () => {
      const value = new URL(requestUrl({})).searchParams.get(name) ?? 'query'
      const url = requestUrl({ [name]: value }, `&${name}=${encodeURIComponent(value)}`)
      const browser = new FormBrowser()
      const page = await browser.open(url)
      assert.equal(page.status, 400)
      assert.doesNotMatch(page.html, /<form/)
      const callback = await browser.visit(url)
      if (callback !== undefined) assert.equal(callback.searchParams.get('error'), 'invalid_request')
    })
  }

  it('does so in forms as well: of two decisions or tokens none counts', async () => {
    const browser = new FormBrowser()
    const { action, csrf } = await toConsent(browser)
    const twoTokens = await browser.open(action, [
      ['csrf', csrf],
      ['csrf', csrf],
      ['decision', 'approve'],
    ])
    assert.equal(twoTokens.status, 400)
    const { headers } = await browser.open(action, [
      ['csrf', csrf],
      ['decision', 'deny'],
      ['decision', 'approve'],
    ])
    const callback = await browser.visit(headers.get('location') ?? '')
    assert.equal(callback?.searchParams.get('error'), 'access_denied')
  })

  it('finds no other way in: parameters in a posted body are not read at all', async () => {
    const body = new URL(requestUrl({})).searchParams
    for (const url of [`${installation.url}/authorize`, requestUrl({})]) {
      const response = await fetch(url, { method: 'POST', body, redirect: 'manual' })
      assert.equal(response.status, 405)
      assert.equal(response.headers.get('allow'), 'GET')
      assert.deepEqual(response.headers.getSetCookie(), [])
    }
  })
})

describe('a decision that somebody else sends (A48)', () => {
  it('is none: without the token, with that of another page, from elsewhere, in another browser', async () => {
    const browser = new FormBrowser()
    const other = new FormBrowser()
    const { action, csrf } = await toConsent(browser)
    const foreign = await toConsent(other)
    const decision = 'approve'
    for (const form of [{ decision }, { decision, csrf: '' }, { decision, csrf: foreign.csrf }]) {
      assert.equal((await browser.open(action, form)).status, 400)
    }
    assert.equal((await other.open(action, { csrf, decision })).status, 400)
    for (const origin of ['https://evil.example', 'http://localhost:9', 'null']) {
      const { status } = await browser.open(action, { csrf, decision }, { origin })
      assert.ok(status === 400 || status === 403, `${origin} ${status}`)
    }
    const { status, headers } = await browser.open(action, { csrf, decision })
    assert.equal(status, 303)
    assert.ok((await browser.visit(headers.get('location') ?? ''))?.searchParams.get('code'))
  })
})

/** Walks to the consent page of the client. */
async function toConsent(browser: FormBrowser): Promise<{ action: string; csrf: string }> {
  const go = async (url: string, form?: Record<string, string>): Promise<string> => {
    const { headers, html } = await browser.open(url, form)
    const next = headers.get('location')
    return next === null ? html : go(new URL(next, installation.url).href)
  }
  const partsOf = (html: string): { action: string; csrf: string } => ({
    action: installation.url + (/action="([^"]*)"/.exec(html)?.[1] ?? ''),
    csrf: /name="csrf" value="([^"]*)"/.exec(html)?.[1] ?? '',
  })
  const login = partsOf(await go(requestUrl({ prompt: 'consent' })))
  return partsOf(await go(login.action, { csrf: login.csrf, name: 'ada' }))
}
