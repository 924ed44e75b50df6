import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { keepDocuments } from '../../src/authorization-server/registration/kept-documents.ts'
import { FetchRefused } from '../../src/http/safe-fetch.ts'
import { signingClient } from '../support/client-assertion.ts'
import { letFetchesWait, startDocumentHost } from '../support/document-host.ts'
import { startInstallation } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'
import { until } from '../support/until.ts'

const url = 'https://client.example/document.json'

/** A host that answers what a test says, and what is kept of that. */
function host() {
  const clock = movableClock()
  let answer: () => Response = () => new Response('{"first":true}')
  const get = keepDocuments(async () => answer(), clock)
  return {
    clock,
    get: async () => (await get(url)).text(),
    says: (next: () => Response) => {
      answer = next
    },
    fails: (passing: boolean) => {
      answer = () => {
        throw new FetchRefused('it fails', { passing })
      }
    },
  }
}

describe('the document of a client whose host fails (N15, N24)', () => {
  it('is the last one that was good, for a day', async () => {
    const { clock, get, fails } = host()
    assert.equal(await get(), '{"first":true}')
    fails(true)
    clock.advance(23 * 3_600_000)
    assert.equal(await get(), '{"first":true}')
    assert.equal(await get(), '{"first":true}')
    clock.advance(3_600_000)
    await assert.rejects(get(), /it fails/)
  })

  it('is none where it is gone, leads elsewhere, or was not to be kept', async () => {
    const { get, fails, says } = host()
    await get()
    fails(false)
    await assert.rejects(get())
    fails(true)
    await assert.rejects(get(), 'what is gone does not come back')
    says(() => new Response('{}', { headers: { 'cache-control': 'private, no-store' } }))
    await get()
    fails(true)
    await assert.rejects(get())
  })

  it('is tried again later where none is known: its user stays signed in', async (test) => {
    const { documents, installation, client, tokens } = await startSignedIn(test)
    documents.answer('/client.json', { status: 503 })
    const { status, body, headers } = await client.refresh(tokens.refresh_token)
    assert.deepEqual([status, body.error, headers.get('retry-after')], [503, 'temporarily_unavailable', '30'])
    assert.match(body['error_description'] ?? '', /metadata document fetch failed/)
    documents.publish('/client.json')
    assert.equal((await client.refresh(tokens.refresh_token)).status, 200)
    await installation.restart()
    documents.answer('/client.json', { status: 404 })
    assert.equal((await client.refresh(tokens.refresh_token)).body.error, 'invalid_client')
  })

  it('is tried again later by everybody who waited for the same fetch', async (test) => {
    const { documents, client, tokens } = await startSignedIn(test)
    const { promise, resolve } = Promise.withResolvers<void>()
    documents.answer('/client.json', { status: 503, until: promise })
    letFetchesWait(test)
    const { mock } = test.mock.method(RateLimiterMemory.prototype, 'consume')
    const first = client.refresh(tokens.refresh_token)
    await until(() => documents.requests('/client.json') === 2, 'the document is asked for')
    const others = [client.refresh(tokens.refresh_token), client.refresh(tokens.refresh_token)]
    // Each is counted for its network, for the host, and then for everybody (600 in 60 seconds), after which it
    // looks whether such a fetch is running.
    const counted = () =>
      mock.calls.filter(
        ({ this: limiter }) => (limiter as RateLimiterMemory).keyPrefix === 'portcullis:documents:600/60',
      )
    await until(() => counted().length === 3, 'all wait for the document')
    resolve()
    for (const { status, body } of await Promise.all([first, ...others]))
      assert.deepEqual([status, body.error], [503, 'temporarily_unavailable'])
    assert.equal(documents.requests('/client.json'), 2)
  })
})

/** An installation that has just begun again, and has let in a client that it knows by its document alone. */
async function startSignedIn(test: TestContext) {
  const documents = await startDocumentHost()
  const installation = await startInstallation()
  test.after(() => installation.close().then(() => documents.close()))
  const client = new OAuthClient(
    installation.url,
    documents.publish('/client.json'),
    'http://localhost:45678/callback',
  )
  const tokens = await client.signIn({ scope: 'mcp:tools:read' })
  await installation.restart()
  return { documents, installation, client, tokens }
}

describe('the key set of a client whose host fails (N24)', () => {
  it('is tried again later, where its address is right', async () => {
    const documents = await startDocumentHost()
    const installation = await startInstallation()
    const signer = await signingClient()
    try {
      const keys = { body: JSON.stringify(signer.jwks) }
      const signing = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: documents.url('/keys') }
      const id = documents.publish('/client.json', signing)
      documents.answer('/keys', keys)
      const client = new OAuthClient(installation.url, id, 'http://localhost:45678/callback')
      const prove = () => signer.authenticate(id, installation.url)
      const { body } = await client.redeem(await client.authorize(), await prove())
      await installation.restart()
      documents.answer('/keys', { status: 503 })
      const proof = await prove()
      const refused = await client.refresh(body.refresh_token, proof)
      assert.deepEqual(
        [refused.status, refused.body.error, refused.headers.get('retry-after')],
        [503, 'temporarily_unavailable', '30'],
      )
      assert.match(refused.body['error_description'] ?? '', /Key Set failed to be refreshed/)
      documents.answer('/keys', { status: 404 })
      const gone = await client.refresh(body.refresh_token, await prove())
      assert.deepEqual([gone.status, gone.body.error], [401, 'invalid_client'])
      documents.answer('/keys', keys)
      assert.equal((await client.refresh(body.refresh_token, proof)).status, 200, 'with the same assertion')
    } finally {
      await installation.close()
      await documents.close()
    }
  })
})
