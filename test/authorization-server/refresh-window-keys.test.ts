import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { OAuthClient, type TokenAnswer } from '../support/oauth.ts'
import { type ProofKey, proofKey } from '../support/proofs.ts'

const secret = 'secret-of-a-confidential-client'
const redirectUris = ['http://127.0.0.1:1/callback']
const clients = [...testClients, { id: 'confidential', secret, redirectUris }]

/** The thumbprint that an access token is bound to. */
const boundTo = ({ body }: TokenAnswer): unknown =>
  (decodeJwt(body.access_token)['cnf'] as { jkt?: string } | undefined)?.jkt

describe('a bound refresh that is repeated within the window (A13, A58, N21)', () => {
  let installation: Installation
  let mine: ProofKey
  let other: ProofKey
  before(async () => {
    installation = await startInstallation({ config: { clients } })
    mine = await proofKey()
    other = await proofKey()
  })
  after(() => installation.close())

  const send = async (key: ProofKey, parameters: Record<string, string>): Promise<TokenAnswer> => {
    const dpop = await key.prove({ url: `${installation.url}/token` })
    return new OAuthClient(installation.url).token(parameters, { headers: { dpop } })
  }

  /** Signs in with tokens bound to `mine`, and says how to refresh. */
  const begin = async (client: OAuthClient, credential: Record<string, string>) => {
    const { code, verifier } = await client.authorize()
    const own = { client_id: client.clientId, ...credential }
    const grant = { grant_type: 'authorization_code', code, code_verifier: verifier }
    const { body } = await send(mine, { ...grant, redirect_uri: client.redirectUri, ...own })
    assert.equal(body['token_type'], 'DPoP')
    const refresh = (key: ProofKey, token: string): Promise<TokenAnswer> =>
      send(key, { grant_type: 'refresh_token', refresh_token: token, ...own })
    return { first: body.refresh_token, refresh }
  }

  it('leads to the same successor with the same key; another key gets nothing and ends nothing', async () => {
    const { first, refresh } = await begin(new OAuthClient(installation.url), {})
    const answer = await refresh(mine, first)
    assert.equal(answer.status, 200)
    const again = await refresh(mine, first)
    assert.equal(again.body.refresh_token, answer.body.refresh_token)
    assert.ok(boundTo(again) === boundTo(answer) && boundTo(again) !== undefined)
    const foreign = await refresh(other, first)
    assert.deepEqual([foreign.status, foreign.body.error], [400, 'invalid_grant'])
    assert.equal((await refresh(mine, answer.body.refresh_token)).status, 200)
  })

  it('is theft where the token itself is not bound, and another key comes with it', async () => {
    const { first, refresh } = await begin(new OAuthClient(installation.url, 'confidential'), {
      client_secret: secret,
    })
    const answer = await refresh(mine, first)
    assert.equal(answer.status, 200)
    const again = await refresh(mine, first)
    assert.equal(again.body.refresh_token, answer.body.refresh_token)
    assert.ok(boundTo(again) === boundTo(answer) && boundTo(again) !== undefined)
    const foreign = await refresh(other, first)
    assert.deepEqual([foreign.status, foreign.body.error], [400, 'invalid_grant'])
    assert.equal(foreign.body.access_token, undefined)
    assert.equal((await refresh(mine, answer.body.refresh_token)).body.error, 'invalid_grant')
  })
})
