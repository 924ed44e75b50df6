import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { OAuthClient } from '../support/oauth.ts'

let gate: GatedSpy
let url: string
before(async () => {
  gate = await startGatedSpy()
  ;({ url } = gate.installation)
})
after(() => gate.close())

const registerClient = (
  client_name: string,
  redirect_uris = ['https://app.example/cb'],
): Promise<OAuthClient> => OAuthClient.register(url, { client_name, redirect_uris })

const browserOf = (name: string): FormBrowser => new FormBrowser({ fill: { name } })

const callWith = async (token: string): Promise<number> =>
  (await gate.post(legacyRequest('tools/list'), { token })).status

/** The hidden fields of the form that revokes a client. */
function formOf(html: string, { clientId }: OAuthClient): { csrf: string; client_id: string } {
  const csrf = new RegExp(
    `name="csrf" value="([^"]+)" />\\s*<input type="hidden" name="client_id" value="${clientId}"`,
  )
  return { csrf: csrf.exec(html)?.[1] ?? '', client_id: clientId }
}

describe('/account', () => {
  it('lists each client once: its name, where it lives, since when, and what it may do at which server', async () => {
    const browser = browserOf('ada')
    const client = await registerClient('Notes <b>', ['https://app.example/cb', 'http://localhost:3/cb'])
    const other = await registerClient('Other')
    await client.authorize({ scope: 'mcp:tools:read' }, browser)
    await client.authorize({ scope: 'mcp:resources:read' }, browser)
    await other.authorize({ scope: 'mcp:prompts:list' }, browser)
    await (await registerClient('Of somebody else')).authorize({}, browserOf('grace'))
    const { status, headers, html } = await browser.open(`${url}/account`)
    assert.equal(status, 200)
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
    assert.equal(headers.get('cache-control'), 'no-store')
    const sections = [...html.matchAll(/<section.*?<\/section>/gs)].map(([section]) => section)
    assert.equal(sections.length, 2)
    const notes = sections.find((section) => section.includes('Notes')) ?? ''
    assert.match(notes, /<h2>Notes &lt;b&gt;<\/h2>/)
    assert.match(notes, /app\.example, localhost:3 · since <time datetime="\d{4}-\d\d-\d\d">/)
    assert.match(notes, /See which tools are available/)
    assert.match(notes, /Read the content of resources/)
    assert.doesNotMatch(notes, /prompts/)
    assert.match(html, /<a href="\/logout">Sign out<\/a>/)
  })

  it('ends what a client may do: its tokens, its refresh, and that it is not asked for (A9, P12)', async () => {
    const browser = browserOf('lovelace')
    const client = await registerClient('Notes')
    const other = await registerClient('Other')
    const scope = 'mcp:tools:read'
    const one = await client.signIn({ scope }, browser)
    const two = await client.signIn({ scope }, browser)
    const spared = [
      await other.signIn({ scope }, browser),
      await client.signIn({ scope }, browserOf('hopper')),
    ]
    assert.equal(await callWith(one.access_token), 200)
    const code = await client.authorize({ scope }, browser)

    const { html } = await browser.open(`${url}/account`)
    const { status, headers } = await browser.open(`${url}/account/revoke`, formOf(html, client))
    assert.deepEqual([status, headers.get('location')], [303, '/account'])

    for (const { access_token: token, refresh_token: refreshToken } of [one, two]) {
      assert.equal(await callWith(token), 401)
      assert.equal((await client.refresh(refreshToken)).body.error, 'invalid_grant')
    }
    assert.equal((await client.redeem(code)).body.error, 'invalid_grant', 'a code that was out already')
    for (const { access_token: token } of spared) assert.equal(await callWith(token), 200)
    assert.doesNotMatch((await browser.open(`${url}/account`)).html, /Notes/)
    const asked = browser.pages.length
    await client.authorize({ scope }, browser)
    assert.equal(browser.pages.length, asked + 1, 'the user is asked again')
    await other.authorize({ scope }, browser)
    assert.equal(browser.pages.length, asked + 1, 'and not for the other one')
  })

  it('lists a client that has no grant any more but need not ask for one, until that is taken back (P12)', async () => {
    const browser = browserOf('returning')
    const client = await registerClient('Returning')
    const scope = 'mcp:tools:read'
    const { refresh_token: token } = await client.signIn({ scope }, browser)
    const earlier = (await browser.open(`${url}/account`)).html
    assert.match(earlier, /since <time.*<\/time> · may connect without asking you until <time/)
    await client.token({ token, client_id: client.clientId }, { path: '/revoke' })
    const { html } = await browser.open(`${url}/account`)
    assert.match(html, /Returning.*not connected, but may connect without asking you until <time/s)
    assert.match(html, /See which tools are available/)
    const { status } = await browser.open(`${url}/account/revoke`, formOf(html, client))
    assert.equal(status, 303)
    assert.doesNotMatch((await browser.open(`${url}/account`)).html, /Returning/)
    const asked = browser.pages.length
    await client.authorize({ scope }, browser)
    assert.equal(browser.pages.length, asked + 1)
  })

  it('sends who is not signed in to the login', async () => {
    const { status, headers } = await new FormBrowser().open(`${url}/account`)
    assert.deepEqual([status, headers.get('location')], [303, '/login?next=%2Faccount'])
  })

  it('takes no forged form: no token, that of another user or page, another origin, no session (A48)', async () => {
    const [victim, attacker] = [browserOf('victim'), browserOf('attacker')]
    const client = await registerClient('Notes')
    const { access_token: token } = await client.signIn({ scope: 'mcp:tools:read' }, victim)
    await client.signIn({ scope: 'mcp:tools:read' }, attacker)
    const good = formOf((await victim.open(`${url}/account`)).html, client)
    const foreign = formOf((await attacker.open(`${url}/account`)).html, client)
    assert.notEqual(good.csrf, foreign.csrf)
    const action = `${url}/account/revoke`
    for (const form of [
      { ...good, csrf: '' },
      foreign,
      { csrf: good.csrf },
      { client_id: client.clientId },
    ]) {
      assert.equal((await victim.open(action, form)).status, 400)
    }
    assert.equal((await new FormBrowser().open(action, good)).status, 400)
    const name = `portcullis-${new URL(url).port}`
    const cookie = `${name}=${victim.cookie(name)}; ${name}.sig=${victim.cookie(`${name}.sig`)}`
    for (const origin of ['https://evil.example', 'http://localhost:9', 'null']) {
      const body = new URLSearchParams(good)
      const { status } = await fetch(action, { method: 'POST', body, headers: { cookie, origin } })
      assert.ok(status === 400 || status === 403, `${origin} ${status}`)
    }
    const twice = new URLSearchParams([...Object.entries(good), ['client_id', 'user-client']])
    assert.equal((await fetch(action, { method: 'POST', body: twice, headers: { cookie } })).status, 400)
    const link = await fetch(action, { redirect: 'manual', headers: { cookie } })
    assert.equal(link.headers.get('location'), '/account', 'a link ends nothing')
    assert.equal(await callWith(token), 200)
    assert.equal((await victim.open(action, good)).status, 303)
    assert.equal(await callWith(token), 401)
  })
})
