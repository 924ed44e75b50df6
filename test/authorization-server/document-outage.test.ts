import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { keepDocuments } from '../../src/authorization-server/registration/kept-documents.ts'
import { FetchRefused } from '../../src/http/safe-fetch.ts'
import { startDocumentHost } from '../support/document-host.ts'
import { startInstallation } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'

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

  it('is tried again later where none is known: its user stays signed in', async () => {
    const documents = await startDocumentHost()
    const installation = await startInstallation()
    try {
      const id = documents.publish('/client.json')
      const client = new OAuthClient(installation.url, id, 'http://localhost:45678/callback')
      const tokens = await client.signIn({ scope: 'mcp:tools:read' })
      await installation.restart()
      documents.answer('/client.json', { status: 503 })
      const { status, body, headers } = await client.refresh(tokens.refresh_token)
      assert.deepEqual(
        [status, body.error, headers.get('retry-after')],
        [503, 'temporarily_unavailable', '30'],
      )
      assert.match(body['error_description'] ?? '', /metadata document fetch failed/)
      documents.publish('/client.json')
      assert.equal((await client.refresh(tokens.refresh_token)).status, 200)
      await installation.restart()
      documents.answer('/client.json', { status: 404 })
      assert.equal((await client.refresh(tokens.refresh_token)).body.error, 'invalid_client')
    } finally {
      await installation.close()
      await documents.close()
    }
  })
})
