import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { systemClock } from '../../src/core/clock.ts'
import type { OperatorFetch } from '../../src/http/operator-fetch.ts'
import { ProviderRefused } from '../../src/identity/provider-contract.ts'
import { IssuerInvalid } from '../../src/issuer/discover-issuer.ts'
import { openIdProvider } from '../../src/issuer/openid-provider.ts'

const attempt = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) }
const one = '11111111-2222-3333-4444-555555555555'
const two = '99999999-2222-3333-4444-555555555555'
const callbackUrl = 'https://mcp.example.com/login/callback/entra'

/** The issuer of a directory, which stands for many where it is `organizations`. */
const issuerOf = (directory: string, host = 'login.microsoftonline.com') =>
  `https://${host}/${directory}/v2.0`

describe('Entra for many directories', () => {
  let key: CryptoKey
  let jwk: JWK
  /** What the providers were asked. */
  const asked: string[] = []
  before(async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    key = privateKey
    jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }
  })

  /** A provider that answers as Entra does: its metadata names an issuer, its ID tokens have these claims. */
  const open = (issuer: string, named: string, claims: Record<string, unknown> = {}) => {
    const { origin } = new URL(issuer)
    const giveToken = async (): Promise<object> => {
      const now = Math.floor(Date.now() / 1000)
      const right = { sub: 'alice', aud: 'portcullis', nonce: attempt.nonce, iat: now, exp: now + 300 }
      const token = new SignJWT({ ...right, ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'k' })
      return { access_token: 'a', token_type: 'Bearer', id_token: await token.sign(key) }
    }
    const fetch: OperatorFetch = async (url) => {
      asked.push(url)
      const answers: Record<string, () => Promise<object> | object> = {
        [`${issuer}/.well-known/openid-configuration`]: () => ({
          issuer: named,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/keys`,
        }),
        [`${issuer}/keys`]: () => ({ keys: [jwk] }),
        [`${issuer}/token`]: giveToken,
      }
      return Response.json(await answers[url]?.())
    }
    const names = {
      name: 'entra',
      label: 'Microsoft',
      clientId: 'portcullis',
      clientSecret: { current: 'secret' },
    }
    const sent = { scopes: ['openid'], parameters: {}, userinfo: false, endsSession: false }
    const urls = { callbackUrl, afterLogoutUrl: callbackUrl }
    return openIdProvider(
      { ...names, ...sent, ...urls, issuer, origins: [origin] },
      { fetch, clock: systemClock },
    )
  }
  const redeem = (provider: ReturnType<typeof open>) =>
    provider.redeem(`code=c&state=${attempt.state}`, attempt)

  const many = issuerOf('organizations')
  const template = issuerOf('{tenantid}')

  it('makes the directory of a user part of who they are (A66)', async () => {
    const alice = await redeem(open(many, template, { iss: issuerOf(one), tid: one }))
    const other = await redeem(open(many, template, { iss: issuerOf(two), tid: two }))
    assert.deepEqual([alice.issuer, other.issuer], [issuerOf(one), issuerOf(two)])
    assert.deepEqual([alice.subject, alice.claims['tid']], ['alice', one])
  })

  for (const [what, claims] of [
    ['of another directory than its tid', { iss: issuerOf(two), tid: one }],
    ['without a tid', { iss: issuerOf(one) }],
    ['of no directory', { iss: template, tid: one }],
    ['of many directories', { iss: many, tid: one }],
    ['of somebody else', { iss: 'https://evil.example', tid: 'https://evil.example' }],
  ] as const)
    it(`refuses an ID token ${what} (A65, A66)`, () =>
      assert.rejects(redeem(open(many, template, claims)), ProviderRefused))

  it('takes one directory by its domain as well, whose metadata names its id', async () => {
    const named = open(issuerOf('company.example'), issuerOf(one), { iss: issuerOf(one), tid: one })
    assert.equal((await redeem(named)).issuer, issuerOf(one))
    const foreign = open(issuerOf('company.example'), issuerOf(one), { iss: issuerOf(two), tid: two })
    await assert.rejects(redeem(foreign), ProviderRefused)
  })

  it('asks each directory about its own users, and none about those of another (A67)', async () => {
    const single = () => open(issuerOf('company.example'), issuerOf(one), { iss: issuerOf(one), tid: one })
    const all = (tid: string) => open(many, template, { iss: issuerOf(tid), tid })
    for (const [provider, issuer] of [
      [single(), issuerOf(one)],
      [all(one), issuerOf(one)],
      [all(two), issuerOf(two)],
    ] as const) {
      const { identity } = await provider.renew('refresh', { issuer, subject: 'alice' })
      assert.equal(identity?.issuer, issuer)
    }
    asked.length = 0
    for (const [provider, issuer] of [
      [single(), issuerOf(two)],
      [single(), template],
      [all(one), template],
      [all(one), many],
      [all(one), issuerOf(one, 'login.example.com')],
      // As long as the right one.
      [all(one), issuerOf(one, 'login.microsoftonlime.com')],
      [all(one), issuerOf(one).replace('v2.0', 'v1.0')],
      [all(one), `${issuerOf(one)}/`],
      [all(one), ''],
    ] as const)
      await assert.rejects(provider.renew('refresh', { issuer, subject: 'alice' }), ProviderRefused, issuer)
    assert.deepEqual(
      asked.filter((url) => url.endsWith('/token')),
      [],
    )
  })

  it('is not to be had in the cloud of the US government, so that the configuration refuses it', async () => {
    const government = (directory: string): string => issuerOf(directory, 'login.microsoftonline.us')
    await assert.rejects(open(government('organizations'), government('{tenantid}')).check(), IssuerInvalid)
    await open(government(one), government(one)).check()
  })
})
