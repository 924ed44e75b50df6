import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { request } from 'undici'
import type { ConfigInput } from '../../src/config/schema.ts'
import { countingListener } from '../support/counting-listener.ts'
import { type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { freePort, type Installation, startInstallation } from '../support/installation.ts'
import { trustedCertificate } from '../support/local-tls.ts'
import { OAuthClient } from '../support/oauth.ts'

let host: DocumentHost
before(async () => {
  host = await startDocumentHost()
})
after(() => host.close())

type Documents = NonNullable<ConfigInput['registration']>['documents']

const startWith = async (test: TestContext, documents: Documents, more: ConfigInput = {}) => {
  const installation = await startInstallation({ config: { registration: { documents }, ...more } })
  test.after(() => installation.close())
  return installation
}
const isAnnounced = async ({ url, gatewayUrl }: Installation, tenant = ''): Promise<boolean> => {
  const { body } = await request(`${gatewayUrl}/.well-known/oauth-authorization-server${tenant}`, {
    headers: { host: new URL(url).host },
  })
  const metadata = (await body.json()) as Record<string, unknown>
  assert.ok(metadata['token_endpoint'])
  return metadata['client_id_metadata_document_supported'] === true
}
/** A client comes whose document is there. Where it is not, the user gets no further than a page. */
const come = async ({ url }: Installation, id: string): Promise<number | undefined> => {
  const browser = new FormBrowser()
  const client = new OAuthClient(url, id, 'http://localhost:45678/callback')
  await browser.visit(client.authorizationUrl({ verifier: 'x'.repeat(43) }))
  return browser.pages[0]?.status
}
const tellsAgain = (log: string): number => log.split('are announced again').length - 1
const tellsOfNone = (log: string): number => log.split('seems to be no way out').length - 1

describe('documents of clients, where an operator names one that must be in reach (N15, AM8)', () => {
  it('are announced where its host answers, whatever it answers', async (test) => {
    const probe = host.answer('/probe', { status: 404 })
    const installation = await startWith(test, { probe })
    assert.equal(await isAnnounced(installation), true)
    assert.equal(host.requests('/probe'), 1)
    assert.equal(tellsOfNone(installation.log()), 0)
  })

  it('are not announced where nobody answers, until a client is let in by its document', async (test) => {
    const installation = await startWith(test, { probe: `https://localhost:${await freePort()}/client.json` })
    assert.equal(await isAnnounced(installation), false)
    assert.equal(await isAnnounced(installation), false)
    assert.equal(tellsOfNone(installation.log()), 1)
    assert.match(installation.log(), /ECONNREFUSED.*set registration\.documents\.enabled to false/)
    assert.equal(await come(installation, host.publish('/let-in.json')), 200, 'it is tried all the same')
    assert.equal(await isAnnounced(installation), true)
    assert.equal(tellsAgain(installation.log()), 1)
  })

  it('hold nothing up: the server is ready while the first try runs, and the metadata waits for it', async (test) => {
    const { promise: held, resolve: answer } = Promise.withResolvers<void>()
    const slow = await countingListener({
      tls: trustedCertificate(),
      answer: (_req, res) => void held.then(() => res.end('{}')),
    })
    test.after(() => slow.close())
    const installation = await startWith(test, { probe: `https://localhost:${slow.port}/client.json` })
    assert.equal((await fetch(`${installation.adminUrl}/readyz`)).status, 200)
    const announced = isAnnounced(installation)
    answer()
    assert.equal(await announced, true)
  })

  it('are not tried where they are off', async (test) => {
    const probe = host.answer('/off', {})
    await startWith(test, { enabled: false, probe })
    assert.equal(host.requests('/off'), 0)
  })

  it('have one judgement in a process with several tenants', async (test) => {
    const probe = `https://localhost:${await freePort()}/client.json`
    const upstreams = [{ name: 'test', path: '/mcp', url: 'http://127.0.0.1:9/mcp' }]
    const installation = await startWith(test, { probe }, { tenants: [{ name: 'acme', upstreams }] })
    assert.equal(await isAnnounced(installation), false)
    assert.equal(await isAnnounced(installation, '/t/acme'), false)
    assert.equal(tellsOfNone(installation.log()), 1)
  })
})

describe('documents of clients, where nothing is named (N15)', () => {
  const unreachable = (name: string): string => `https://${name}.localhost:1/client.json`

  it('are not announced after two hosts that cannot be reached, until one is', async (test) => {
    const installation = await startWith(test, {})
    assert.equal(await come(installation, unreachable('one')), 400)
    assert.equal(await isAnnounced(installation), true)
    assert.equal(await come(installation, unreachable('two')), 400)
    assert.equal(await isAnnounced(installation), false)
    assert.equal(tellsOfNone(installation.log()), 1)
    assert.equal(await come(installation, host.publish('/back.json')), 200)
    assert.equal(await isAnnounced(installation), true)
  })

  it('go on being announced where clients have no other way in', async (test) => {
    const installation = await startWith(test, {}, { registration: { dynamic: 'off' } })
    for (const name of ['one', 'two']) assert.equal(await come(installation, unreachable(name)), 400)
    assert.equal(await isAnnounced(installation), true)
  })
})

describe('what is tried in production (A51, N15)', () => {
  const production = {
    mode: 'production',
    publicUrl: 'https://mcp.example.com',
    login: { users: 'none' },
    listen: { noticeSeconds: 0 },
  } satisfies ConfigInput
  const start = (test: TestContext, documents: Documents) => startWith(test, documents, production)

  it('is never on loopback or inside the network: such a setting ends the start', async (test) => {
    const bystander = await countingListener()
    test.after(() => bystander.close())
    for (const probe of [
      `https://127.0.0.1:${bystander.port}/client.json`,
      'https://127.0.0.1/client.json',
      'https://[::ffff:7f00:1]/client.json',
      'https://10.0.0.1/client.json',
      'https://169.254.169.254/latest/meta-data',
    ])
      await assert.rejects(start(test, { probe }), /registration\.documents\.probe: is never fetched/)
    assert.equal(bystander.connections(), 0)
  })

  it('makes no connection to a name that leads inside, and is not announced', async (test) => {
    const installation = await start(test, { probe: 'https://localhost/client.json' })
    assert.equal(await isAnnounced(installation), false)
    assert.match(installation.log(), /its host is not on the public internet/)
  })

  it('is the hosts that are allowed, where there is no more', async (test) => {
    const installation = await start(test, { allowedHosts: ['localhost', 'x.localhost'] })
    assert.equal(await isAnnounced(installation), false)
    assert.match(installation.log(), /localhost: its host is not on.*, x\.localhost: its host is not on/)
  })

  it('is nobody, where nothing is named', async (test) => {
    const installation = await start(test, {})
    assert.equal(await isAnnounced(installation), true)
    assert.equal(tellsOfNone(installation.log()), 0)
  })
})
