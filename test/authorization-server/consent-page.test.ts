import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { type AuthorizationRequest, OAuthClient } from '../support/oauth.ts'

const upstreams = [
  { name: 'one', path: '/mcp', url: 'http://127.0.0.1:9/mcp' },
  { name: 'two', path: '/two/mcp', url: 'http://127.0.0.1:9/mcp' },
]

let installation: Installation
before(async () => {
  installation = await startInstallation({ config: { upstreams } })
})
after(() => installation.close())

const registerWebClient = (metadata: object = {}): Promise<OAuthClient> =>
  OAuthClient.register(installation.url, {
    client_name: 'Web client',
    redirect_uris: ['https://app.example/cb', 'https://other.example/cb'],
    ...metadata,
  })

describe('the consent page', () => {
  const lastQuestion = (browser: FormBrowser): string =>
    browser.pages.findLast(({ html }) => html.includes('value="approve"'))?.html ?? ''

  const ask = async (metadata: object, request: AuthorizationRequest = {}): Promise<string> => {
    const client = await registerWebClient(metadata)
    const browser = new FormBrowser()
    await client.authorize({ resource: installation.mcpUrl, ...request }, browser)
    return lastQuestion(browser)
  }

  it('never cuts a character of a long name in two', async () => {
    for (const name of ['\u{1f469}'.repeat(60), `x${'\u{1f469}'.repeat(60)}`])
      assert.match(await ask({ client_name: name }), /\u{1f469}{30,}…<\/strong>/u)
  })

  it('names the client, the whole redirect URI and its host, and warns of nothing where nothing is odd (X3, N18)', async () => {
    const html = await ask({ client_name: 'Notes' })
    assert.match(html, /Let Notes in\?/)
    assert.match(html, /goes to <strong>app\.example<\/strong>\s*<code>https:\/\/app\.example\/cb<\/code>/)
    assert.doesNotMatch(html, /class="note"/)
  })

  it('asks about a client without a name in whole sentences', async () => {
    const html = await ask({ client_name: undefined })
    assert.match(html, /<h1>Let this program in\?<\/h1>/)
    assert.match(html, /\. <strong>A program without a name<\/strong> asks/)
  })

  it('has a long redirect URI push nothing off the page (A49)', async () => {
    const html = await ask({ redirect_uris: [`https://app.example/${'x'.repeat(2000)}`] })
    assert.match(html, /<code>https:\/\/app\.example\/x{100,200}…<\/code>/)
  })

  it('warns of the name of a program that lives elsewhere (A49)', async () => {
    const html = await ask({ client_name: 'C\u200bl\u0430ude' })
    assert.match(
      html,
      /This looks like <strong>Claude<\/strong>, but <strong>app\.example<\/strong> is\s+not/,
    )
    assert.match(html, /mixes look-alike letters from several alphabets/)
    assert.doesNotMatch(html, /\u200b/)
  })

  it('shows an address of another alphabet in its plain form, and says so (A49)', async () => {
    const html = await ask({ redirect_uris: ['https://аррӏе.example/cb'] })
    assert.match(html, /<strong>xn--80ak6aa92e\.example<\/strong>/)
    assert.match(html, /letters of another alphabet/)
    assert.doesNotMatch(html, /аррӏе/)
  })

  it('of a program on this computer warns that any program can use its name, also a well-known one (R11, A54)', async () => {
    const html = await ask({ client_name: 'Claude Code', redirect_uris: ['http://localhost:4321/cb'] })
    assert.match(html, /<strong>localhost:4321<\/strong>/)
    assert.match(html, /Any program here can use this name/)
  })

  it('knows addresses of this computer and of networks in any spelling (R11, A54)', async () => {
    for (const place of [
      'https://localhost:8443',
      'https://app.localhost:8443',
      'https://localhost.:8443',
      'http://127.0.0.1:8443',
      'http://[::1]:8443',
    ])
      assert.match(
        await ask({ redirect_uris: [`${place}/here`] }),
        /That is a program on this computer/,
        place,
      )
    for (const host of ['0.0.0.0', '10.0.0.1', '[::]', '[::ffff:127.0.0.1]']) {
      const html = await ask({ client_name: 'Claude Code', redirect_uris: [`https://${host}:8443/cb`] })
      assert.match(html, /on this computer or on a private network/, host)
      assert.match(html, /This looks like <strong>Claude<\/strong>/, host)
    }
  })

  it('of a link that opens a program says so, and shows its scheme, since any program can claim it (R11, A54)', async (test) => {
    const redirectUris = ['notes-app://callback']
    const clients = [{ id: 'notes', name: 'Notes', redirectUris }]
    const known = await startInstallation({
      config: { clients, registration: { privateUseRedirects: redirectUris } },
    })
    test.after(() => known.close())
    const browser = new FormBrowser()
    await new OAuthClient(known.url, 'notes', redirectUris[0]).authorize({}, browser)
    assert.match(lastQuestion(browser), /goes to <strong>notes-app:<\/strong>/)
    assert.match(lastQuestion(browser), /Any program here can claim this kind of link/)
  })

  it('of a client whose id is the URL of its description shows whose that is, and where the answer goes (R11, A54)', async () => {
    const id = 'https://claude.ai/oauth/client-metadata'
    const redirectUris = ['http://localhost/callback']
    const known = await startInstallation({
      config: { clients: [{ id, name: 'Claude Code', redirectUris }] },
    })
    const client = new OAuthClient(known.url, id, 'http://localhost:4321/callback')
    const browser = new FormBrowser()
    await client.authorize({}, browser)
    assert.match(lastQuestion(browser), /description comes from <strong>claude\.ai<\/strong>/)
    assert.match(lastQuestion(browser), /goes to <strong>localhost:4321<\/strong>/)
    assert.match(lastQuestion(browser), /Any program here can use this name/)
    const pages = browser.pages.length
    await client.authorize({}, browser)
    assert.equal(browser.pages.length, pages + 1, 'every time')
    await known.close()
  })

  it('warns also of another alphabet in the address of that description (A49)', async (test) => {
    const id = 'https://xn--80ak6aa92e.example/client'
    const redirectUris = ['https://app.example/cb']
    const known = await startInstallation({ config: { clients: [{ id, name: 'Notes', redirectUris }] } })
    test.after(() => known.close())
    const browser = new FormBrowser()
    await new OAuthClient(known.url, id, redirectUris[0]).authorize({}, browser)
    assert.match(lastQuestion(browser), /letters of another alphabet/)
  })

  it('shows openid as what it is, and the answer says that it was granted (T1)', async () => {
    assert.match(await ask({}, { scope: 'openid mcp:tools:read' }), /See your name/)
    const client = await registerWebClient({})
    for (const scope of ['openid mcp:tools:read', 'openid']) {
      const tokens = await client.signIn({ resource: installation.mcpUrl, scope })
      assert.equal(tokens.scope, scope, 'what was asked for')
      const { sub, name } = decodeJwt(tokens['id_token'] as string)
      assert.equal(sub, decodeJwt(tokens.access_token).sub)
      assert.equal(typeof name, 'string')
      assert.equal(decodeJwt(tokens.access_token)['name'], undefined)
      const refreshed = await client.refresh(tokens.refresh_token)
      assert.equal(refreshed.body.scope, scope)
      assert.equal(decodeJwt(refreshed.body['id_token'] as string)['name'], name)
    }
    const plain = await client.signIn({ resource: installation.mcpUrl, scope: 'mcp:tools:read' })
    assert.equal(plain.scope, 'mcp:tools:read')
  })

  it('puts what is new first, marked, and what was granted before apart from it', async () => {
    for (const redirect_uris of [['http://127.0.0.1/cb'], ['https://app.example/cb']]) {
      const client = await registerWebClient({ redirect_uris })
      const browser = new FormBrowser()
      await client.authorize(
        { resource: installation.mcpUrl, scope: 'mcp:tools:read mcp:resources' },
        browser,
      )
      assert.doesNotMatch(lastQuestion(browser), /New|before/)
      const scope = 'mcp:tools:read mcp:resources:read mcp:tools:execute'
      const { scope: granted } = await client.signIn({ resource: installation.mcpUrl, scope }, browser)
      const [, added, earlier] =
        /Let Web client do more\?.*<h2>New<\/h2>\s*<ul>(.*?)<\/ul>\s*<h2>Allowed before<\/h2>\s*<ul>(.*?)<\/ul>/s.exec(
          lastQuestion(browser),
        ) ?? []
      assert.deepEqual(scopesIn(added), ['mcp:tools:execute'])
      assert.match(added ?? '', /Run tools on your behalf/)
      assert.deepEqual(scopesIn(earlier), ['mcp:tools:read', 'mcp:resources:read'])
      assert.equal(granted, scope)
    }
  })

  it('says so where all of it was granted before, to this user, at this server', async () => {
    const client = await registerWebClient({ redirect_uris: ['http://127.0.0.1/cb'] })
    const browser = new FormBrowser()
    await client.authorize({ resource: installation.mcpUrl }, browser)
    await client.authorize({ resource: installation.mcpUrl }, browser)
    assert.match(lastQuestion(browser), /You have allowed all of this before/)
    await client.authorize({ resource: `${installation.url}/two/mcp` }, browser)
    assert.doesNotMatch(lastQuestion(browser), /before/)
    const other = new FormBrowser({ fill: { name: 'grace' } })
    await client.authorize({ resource: installation.mcpUrl }, other)
    assert.doesNotMatch(lastQuestion(other), /before/)
  })
})

const scopesIn = (html = ''): (string | undefined)[] =>
  [...html.matchAll(/<code>([^<]*)<\/code>/g)].map(([, scope]) => scope)
