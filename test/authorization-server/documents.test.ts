import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { exportJWK, generateKeyPair } from 'jose'
import { request } from 'undici'
import { countingListener } from '../support/counting-listener.ts'
import {
  type DocumentHost,
  documentRedirect,
  letFetchesWait,
  startDocumentHost,
} from '../support/document-host.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { until } from '../support/until.ts'

let installation: Installation
let host: DocumentHost
before(async () => {
  host = await startDocumentHost()
  installation = await startInstallation()
})
after(async () => {
  await installation.close()
  await host.close()
})

const redirect = 'http://localhost:45678/callback'
const clientOf = (id: string, redirectUri = redirect): OAuthClient =>
  new OAuthClient(installation.url, id, redirectUri)

/** Asks for a page of a public host name at the gateway of this computer. */
async function getAs(
  name: string,
  gatewayUrl: string,
  path: string,
): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(gatewayUrl + path, {
    headers: { host: name, accept: 'text/html' },
  })
  return { status: statusCode, text: await body.text() }
}

/** Visits the authorization endpoint as a client and expects a page that goes nowhere. Returns the page. */
async function refusedPage(clientId: string, redirectUri = redirect): Promise<string> {
  const browser = new FormBrowser()
  const url = clientOf(clientId, redirectUri).authorizationUrl({ verifier: 'x'.repeat(43) })
  assert.equal(await browser.visit(url), undefined, 'nobody is redirected')
  assert.equal(browser.lastPage.status, 400)
  return browser.lastPage.html
}

describe('a client whose id is the URL of its metadata document (R1, R2, R3, N15)', () => {
  it('gets in without registration, on any port of the loopback address that it names (N13)', async () => {
    const id = host.publish('/client.json')
    const tokens = await clientOf(id).signIn({ scope: 'mcp:tools:read' })
    assert.equal(tokens.scope, 'mcp:tools:read')
    assert.equal((await clientOf(id).refresh(tokens.refresh_token)).status, 200)
  })

  it('is announced, unless documents are off (AM8)', async () => {
    const metadata = async (url: string): Promise<Record<string, unknown>> =>
      (await (await fetch(`${url}/.well-known/oauth-authorization-server`)).json()) as Record<string, unknown>
    const flag = 'client_id_metadata_document_supported'
    assert.equal((await metadata(installation.url))[flag], true)
    const closed = await startInstallation({ config: { registration: { documents: { enabled: false } } } })
    assert.equal((await metadata(closed.url))[flag], undefined)
    const id = host.publish('/closed.json')
    const browser = new FormBrowser()
    const url = new OAuthClient(closed.url, id, redirect).authorizationUrl({ verifier: 'x'.repeat(43) })
    assert.equal(await browser.visit(url), undefined)
    assert.equal(host.requests('/closed.json'), 0)
    await closed.close()
  })

  it('is sent only to addresses of the document (R4)', async () => {
    const id = host.publish('/redirects.json', {
      redirect_uris: [documentRedirect, 'https://app.example/cb'],
    })
    for (const uri of [
      'http://localhost:45678/other',
      'http://127.0.0.1:45678/callback',
      'https://evil.example/cb',
      'https://app.example:8443/cb',
    ]) {
      assert.match(await refusedPage(id, uri), /leads somewhere unexpected/)
    }
    assert.ok(await clientOf(id, 'https://app.example/cb').authorize())
  })

  it('shows the host that answers for it, and nothing that it wants loaded (A55, R8)', async () => {
    const bystander = await countingListener()
    const there = `https://127.0.0.1:${bystander.port}/x`
    const id = host.publish('/uris.json', {
      logo_uri: there,
      client_uri: there,
      policy_uri: there,
      tos_uri: there,
      initiate_login_uri: there,
      sector_identifier_uri: there,
    })
    const browser = new FormBrowser()
    await clientOf(id).signIn({}, browser)
    assert.ok(browser.pages.every(({ html }) => !html.includes(there)))
    assert.equal(bystander.connections(), 0)
    await bystander.close()
  })

  it('cannot be told from a program that borrows its id: the page says where the answer goes, and warns (A54)', async () => {
    const id = host.publish('/borrowed.json')
    const browser = new FormBrowser({ decision: 'deny' })
    const url = clientOf(id, 'http://localhost:6666/callback').authorizationUrl({ verifier: 'x'.repeat(43) })
    assert.equal((await browser.visit(url))?.searchParams.get('error'), 'access_denied')
    assert.match(browser.lastPage.html, /localhost:6666/)
    assert.match(browser.lastPage.html, /a program on this computer/)
  })

  it('cannot have a request fetched (A55)', async () => {
    const id = host.publish('/request.json')
    const callback = await new FormBrowser().visit(
      clientOf(id).authorizationUrl({ verifier: 'x'.repeat(43), extra: { request_uri: host.url('/jar') } }),
    )
    assert.equal(callback?.searchParams.get('error'), 'request_uri_not_supported')
    assert.equal(host.requests('/jar'), 0)
  })
})

describe('a metadata document that is not as it should be (A52, R3, R5, R9)', () => {
  const secretJwk = { kty: 'oct', k: 'c2VjcmV0' }
  const wrong: Record<string, () => unknown> = {
    'another client_id': () => host.publish('/bad', { client_id: host.url('/BAD') }),
    'a client_id with a slash more': () => host.publish('/bad', { client_id: `${host.url('/bad')}/` }),
    'a client_id with another port': () => host.publish('/bad', { client_id: 'https://localhost:1/bad' }),
    'no client_id': () => host.publish('/bad', { client_id: undefined }),
    'no client_name': () => host.publish('/bad', { client_name: undefined }),
    'no redirect_uris': () => host.publish('/bad', { redirect_uris: undefined }),
    'empty redirect_uris': () => host.publish('/bad', { redirect_uris: [] }),
    'a plain http redirect': () => host.publish('/bad', { redirect_uris: ['http://app.example/cb'] }),
    'a scheme of its own': () => host.publish('/bad', { redirect_uris: ['myapp://cb'] }),
    'a shared secret': () => host.publish('/bad', { token_endpoint_auth_method: 'client_secret_basic' }),
    'a secret': () => host.publish('/bad', { client_secret: 'x'.repeat(43) }),
    'a secret that never expires': () => host.publish('/bad', { client_secret_expires_at: 0 }),
    'a symmetric key': () => host.publish('/bad', { jwks: { keys: [secretJwk] } }),
    'more than 5 KB': () => host.publish('/bad', { client_name: 'x'.repeat(5200) }),
    'more than 16 KB': () => host.publish('/bad', { client_name: 'x'.repeat(20_000) }),
    'no JSON': () => host.answer('/bad', { body: '<html>' }),
    'a list': () => host.answer('/bad', { body: '[]' }),
    null: () => host.answer('/bad', { body: 'null' }),
    '404': () => host.publish('/bad', {}, { status: 404 }),
    '304': () => host.answer('/bad', { status: 304 }),
    'a redirect to a good one': () =>
      host.answer('/bad', { status: 302, headers: { location: host.publish('/good') } }),
    compression: () =>
      host.answer('/bad', { headers: { 'content-encoding': 'gzip' }, body: gzipSync('{"client_id":1}') }),
  }
  for (const [what, publish] of Object.entries(wrong)) {
    it(`is refused: ${what}`, async () => {
      publish()
      const fetched = (): number[] => ['/bad', '/good'].map((path) => host.requests(path))
      const [bad = 0, good = 0] = fetched()
      await refusedPage(host.url('/bad'))
      assert.deepEqual(fetched(), [bad + 1, good], 'it alone is fetched, once')
    })
  }

  it('is refused: a private key', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const members = {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [await exportJWK(privateKey)] },
    }
    host.publish('/private', members)
    assert.match(await refusedPage(host.url('/private')), /\w/)
  })

  it('is not remembered: once it is mended, the client gets in', async () => {
    const id = host.answer('/mended', { status: 503 })
    assert.match(await refusedPage(id), /does not say who it is/)
    host.publish('/mended', { redirect_uris: [] })
    assert.match(await refusedPage(id), /does not say who it is/)
    const earlier = host.requests('/mended')
    host.publish('/mended')
    assert.ok(await clientOf(id).authorize())
    assert.equal(host.requests('/mended'), earlier + 1)
  })
})

describe('the URL of a metadata document (A53, R6)', () => {
  it('is not fetched unless it is a plain https URL with a path', async () => {
    const plain = host.publish('/npm/@company/url')
    const { host: authority } = new URL(host.url('/'))
    const connections = host.connections()
    for (const id of [
      `http://${authority}/url`,
      `https://${authority}`,
      `https://${authority}/`,
      `https://${authority}/url#fragment`,
      `https://${authority}/url?query`,
      `https://${authority}/url?`,
      `https://user@${authority}/url`,
      `https://user:secret@${authority}/url`,
      `https://@${authority}/url`,
      `https://${authority}/./url`,
      `https://${authority}/x/../url`,
      `https://${authority}/%2e/url`,
      `https://${authority}/x/%2E%2e/url`,
      `https://${authority}//..//url`,
      `https://${authority}\\url`,
      `HTTPS://${authority}/url`,
      `https://LOCALHOST:${host.port}/url`,
      `https://ｌocalhost:${host.port}/url`,
      ` https://${authority}/url`,
    ]) {
      await refusedPage(id)
    }
    assert.equal(host.connections(), connections)
    assert.ok(await clientOf(plain).authorize(), 'a plain one is, and a path may have an @')
  })

  it('is never one of ours', async () => {
    const { port } = new URL(installation.url)
    for (const id of [
      `https://127.0.0.1:${port}/mcp`,
      `https://localhost:${port}/.well-known/oauth-authorization-server`,
    ]) {
      await refusedPage(id)
    }
    assert.match(installation.log(), /its URL is on this server/)
  })

  it('is of an allowed host, where the operator names some', async () => {
    const registration = { documents: { allowedHosts: ['only.example'] } }
    const narrow = await startInstallation({ config: { registration } })
    const id = host.publish('/narrow')
    const url = new OAuthClient(narrow.url, id, redirect).authorizationUrl({ verifier: 'x'.repeat(43) })
    assert.equal(await new FormBrowser().visit(url), undefined)
    assert.equal(host.requests('/narrow'), 0)
    assert.match(narrow.log(), /its host is not allowed/)
    await narrow.close()
  })
})

describe('documents that are asked for again and again (R5, A52)', () => {
  it('are fetched once for as long as they say, within bounds', async (test) => {
    const short = host.publish('/short', {}, { headers: { 'cache-control': 'max-age=1' } })
    const long = host.publish('/long', {}, { headers: { 'cache-control': 'max-age=3600' } })
    const endless = host.publish('/endless', {}, { headers: { 'cache-control': 'max-age=31536000' } })
    const counts = async (): Promise<number[]> => {
      for (const id of [short, long, endless])
        await new FormBrowser().visit(
          clientOf(id).authorizationUrl({ verifier: 'x'.repeat(43), extra: { scope: '' } }),
        )
      return ['/short', '/long', '/endless'].map((path) => host.requests(path))
    }
    assert.deepEqual(await counts(), [1, 1, 1])
    assert.deepEqual(await counts(), [1, 1, 1])
    test.mock.timers.enable({ apis: ['Date'], now: Date.now() + 301_000 })
    assert.deepEqual(await counts(), [2, 1, 1], 'five minutes at least')
    test.mock.timers.setTime(Date.now() + 3_600_000)
    assert.deepEqual((await counts()).slice(1), [2, 1], 'then what the document says')
    test.mock.timers.setTime(Date.now() + 86_400_000)
    assert.equal((await counts())[2], 2, 'a day at most')
  })

  it('are fetched a few at a time from one host', async (test) => {
    letFetchesWait(test)
    const { promise: held, resolve: answer } = Promise.withResolvers<void>()
    const ids = Array.from({ length: 8 }, (_, index) => host.publish(`/slow${index}`, {}, { until: held }))
    const earlier = host.connections()
    const refused: string[] = []
    const visits = ids.map(async (id) => {
      const browser = new FormBrowser()
      await browser.visit(clientOf(id).authorizationUrl({ verifier: 'x'.repeat(43) }))
      if (browser.pages[0]?.status === 400) refused.push(id)
    })
    await until(() => refused.length === 4, 'four are refused while the others wait')
    answer()
    await Promise.all(visits)
    assert.equal(host.connections() - earlier, 4)
    assert.equal(refused.length, 4)
  })
})

describe('an installation on the public internet (A51, R7)', () => {
  it('reaches for no document on loopback or inside the network, and the log says why', async (test) => {
    const bystander = await countingListener()
    test.after(() => bystander.close())
    const publicly = await startInstallation({
      config: { mode: 'production', publicUrl: 'https://mcp.example.com', login: { users: 'none' } },
    })
    test.after(() => publicly.close())
    const { port } = bystander
    for (const id of [
      `https://127.0.0.1:${port}/client.json`,
      `https://localhost:${port}/client.json`,
      'https://127.0.0.1/client.json',
      'https://localhost/client.json',
      'https://[::1]/client.json',
      'https://[::ffff:7f00:1]/client.json',
      'https://10.0.0.1/oauth-client-id-metadata-document',
      'https://169.254.169.254/latest/meta-data',
    ]) {
      const path = new URL(
        new OAuthClient('https://x.example', id).authorizationUrl({ verifier: 'x'.repeat(43) }),
      )
      const { status, text } = await getAs(
        'mcp.example.com',
        publicly.gatewayUrl,
        path.pathname + path.search,
      )
      assert.equal(status, 400, id)
      assert.match(text, /does not say who it is/)
      assert.doesNotMatch(text, /public internet|its port/, 'who asks is not told what is inside')
    }
    assert.match(publicly.log(), /its host is not on the public internet/)
    assert.match(publicly.log(), /its port is not 443/)
    assert.match(publicly.log(), /"https:\/\/10\.0\.0\.1\/oauth-client-id-metadata-document"/, 'and of which')
    assert.equal(bystander.connections(), 0)
  })
})
