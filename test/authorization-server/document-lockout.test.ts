import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { request } from 'undici'
import { type SigningClient, signingClient } from '../support/client-assertion.ts'
import { type DocumentHost, letFetchesWait, startDocumentHost } from '../support/document-host.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { until } from '../support/until.ts'

const redirect = 'http://localhost:45678/callback'
const ofHost = 120
let installation: Installation
let host: DocumentHost
let signer: SigningClient
before(async () => {
  host = await startDocumentHost()
  signer = await signingClient()
  installation = await startInstallation()
})
after(async () => {
  await installation.close()
  await host.close()
})

const clientOf = (id: string): OAuthClient => new OAuthClient(installation.url, id, redirect)

/** A stranger asks from one of four networks, by turns. Returns the status and the error. */
async function askAsStranger(
  id: string,
  index: number,
  more: Record<string, string> = {},
): Promise<readonly [number, string | undefined]> {
  const { statusCode, body } = await request(`${installation.authorizationServerUrl}/token`, {
    method: 'POST',
    headers: {
      host: new URL(installation.url).host,
      'x-forwarded-for': `198.51.100.${index % 4}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: 'none',
      client_id: id,
      ...more,
    }).toString(),
  })
  return [statusCode, ((await body.json()) as { error?: string }).error]
}

async function visit(id: string): Promise<number | undefined> {
  const browser = new FormBrowser()
  await browser.visit(clientOf(id).authorizationUrl({ verifier: 'x'.repeat(43) }))
  return browser.pages[0]?.status
}

describe('a client that somebody let in, after a restart, in which no document is known (A52)', () => {
  beforeEach(() => installation.restart())

  it('goes on when strangers have used up what its host may be asked for, and they do not', async () => {
    const [refreshing, asking] = [host.publish('/refreshing.json'), host.publish('/asking.json')]
    const tokens = await clientOf(refreshing).signIn({ scope: 'mcp:tools:read' })
    await clientOf(asking).signIn({ scope: 'mcp:tools:read' })
    await installation.restart()
    for (let index = 0; index < ofHost; index++) await askAsStranger(host.url(`/junk${index}`), index)
    assert.deepEqual(await askAsStranger(host.url('/one-more'), 0), [503, 'temporarily_unavailable'])

    const refreshed = await clientOf(refreshing).refresh(tokens.refresh_token)
    assert.equal(refreshed.status, 200, JSON.stringify(refreshed.body))
    assert.equal(await visit(asking), 200)
    assert.equal(await visit(host.publish('/stranger.json')), 503)
    assert.equal(host.requests('/stranger.json'), 0)
  })

  it('goes on while slow answers to strangers take up all places for its host', async (test) => {
    letFetchesWait(test)
    const id = host.publish('/spared.json')
    const tokens = await clientOf(id).signIn({ scope: 'mcp:tools:read' })
    await installation.restart()
    const paths = ['/slow0', '/slow1', '/slow2', '/slow3']
    const { promise: held, resolve: answer } = Promise.withResolvers<void>()
    const ids = paths.map((path) => host.publish(path, {}, { until: held }))
    const slow = ids.map((one, index) => askAsStranger(one, index))
    await until(() => paths.every((path) => host.requests(path) === 1), 'all documents are asked for')
    assert.equal((await clientOf(id).refresh(tokens.refresh_token)).status, 200)
    answer()
    await Promise.all(slow)
  })

  it('goes on when key sets that strangers name have used up what its host may be asked for', async () => {
    const signing = { token_endpoint_auth_method: 'private_key_jwt' }
    const keys = host.answer('/keys', { body: JSON.stringify(signer.jwks) })
    const id = host.publish('/signing.json', { ...signing, jwks_uri: keys })
    const prove = (clientId: string) => signer.authenticate(clientId, installation.url)
    const code = await clientOf(id).authorize({ scope: 'mcp:tools:read' })
    const { body: tokens } = await clientOf(id).redeem(code, await prove(id))
    await installation.restart()
    const askWithKeys = async (path: string, index: number): Promise<unknown> => {
      // The same host by another name, as a stranger's own would be.
      const strange = host.url(path).replace('localhost', '127.0.0.1')
      host.publish(path, { ...signing, client_id: strange, jwks_uri: host.url(`/keys${path}`) })
      return askAsStranger(strange, index, await prove(strange))
    }
    for (let index = 0; index < ofHost; index++) await askWithKeys(`/strange${index}`, index)
    assert.equal(host.requests('/keys/strange119'), 1)
    const last = host.publish('/last', { ...signing, jwks_uri: host.url('/keys/last') })
    assert.deepEqual(await askAsStranger(last, 0, await prove(last)), [503, 'temporarily_unavailable'])
    assert.deepEqual([host.requests('/last'), host.requests('/keys/last')], [1, 0])
    const refreshed = await clientOf(id).refresh(tokens.refresh_token, await prove(id))
    assert.equal(refreshed.status, 200, JSON.stringify(refreshed.body))
  })
})
