import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startDocumentHost } from '../support/document-host.ts'
import { startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { until } from '../support/until.ts'

const redirect = 'http://localhost:45678/callback'

describe('optional members of a metadata document that say nothing (N15)', () => {
  it('keep nobody out, and do not make a document shorter than it is (A52)', async (test) => {
    const host = await startDocumentHost()
    const own = await startInstallation()
    test.after(() => own.close().then(() => host.close()))
    const authorize = (members: object): Promise<unknown> =>
      new OAuthClient(
        own.url,
        host.publish(`/tidied-${JSON.stringify(members).length}`, members),
        redirect,
      ).authorize()
    for (const members of [
      { logo_uri: null },
      { client_uri: '', tos_uri: '' },
      { logo_uri: 'http://app.example/logo.png', policy_uri: 5 },
      { software_id: '', token_endpoint_auth_method: '', scope: null, client_uri: 'https://app.example' },
      { jwks: null, post_logout_redirect_uris: null, dpop_bound_access_tokens: null },
    ])
      assert.ok(await authorize(members), JSON.stringify(members))
    await assert.rejects(authorize({ logo_uri: `http://${'x'.repeat(5200)}` }), /does not say who it is/)
    await until(() => own.log().includes('the answer is larger than 5120 bytes'))
  })
})
