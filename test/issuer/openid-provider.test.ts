import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { clientSecret } from '../../src/compose/read-secret.ts'
import { describeProvider } from '../../src/config/describe-provider.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createOperatorFetch } from '../../src/http/operator-fetch.ts'
import { type ProvenIdentity, ProviderAway, ProviderRefused } from '../../src/identity/provider-contract.ts'
import { readFacts } from '../../src/identity/provider-facts.ts'
import { type OpenIdProvider, openIdProvider } from '../../src/issuer/openid-provider.ts'
import { startIdentityProvider, type TestProvider } from '../support/identity-provider.ts'

type Provider = NonNullable<NonNullable<ConfigInput['login']>['providers']>[number]

const attempt = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) }

describe('a provider of OpenID Connect', () => {
  let idp: TestProvider
  before(async () => {
    idp = await startIdentityProvider()
  })
  afterEach(() => {
    Object.assign(idp, { userinfo: undefined, idToken: {}, provesAnew: true, secret: undefined })
    Object.assign(idp, { header: {}, forges: false, answer: undefined, userinfoFails: undefined })
    idp.signsUserinfo = false
  })
  after(() => idp.close())

  const open = (setting: Partial<Provider>) => {
    const given = { issuer: idp.issuer, clientId: 'portcullis', clientSecret: 'secret', ...setting }
    const [config] = loadConfig({ base: { login: { providers: [given] } } }).login.providers
    assert.ok(config)
    const described = describeProvider(config)
    const origins = [idp.issuer]
    const secret = clientSecret(config, { provider: 'idp' }, undefined)
    const settings = {
      ...described,
      issuer: idp.issuer,
      origins,
      clientSecret: secret,
      endsSession: false,
    }
    const urls = { callbackUrl: 'http://127.0.0.1:1/callback', afterLogoutUrl: 'http://127.0.0.1:1/logout' }
    const bounds = { userAgent: 'test', maxBytes: 64 * 1024, milliseconds: 30_000, running: 4 }
    const fetch = createOperatorFetch({ origins, ...bounds })
    const provider = openIdProvider({ ...settings, ...urls }, { fetch, clock: systemClock })
    return { provider, facts: (claims: ProvenIdentity['claims']) => readFacts(claims, described.claims, 'x') }
  }

  const alice = () => ({ issuer: idp.issuer, subject: 'alice' })

  const logIn = async (provider: OpenIdProvider): Promise<ProvenIdentity> => {
    const callback = idp.authorize(await provider.authorizationUrl(attempt, { fresh: false }))
    return provider.redeem(callback.search.slice(1), attempt)
  }

  it('is asked with the secret that its file holds by now, or last held', async (test) => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-secret-'))
    test.after(() => rmSync(folder, { recursive: true }))
    const clientSecretFile = join(folder, 'secret')
    writeFileSync(clientSecretFile, 'first\n')
    const { provider } = open({ clientSecret: undefined, clientSecretFile })
    idp.secret = 'first'
    const { credential = '' } = await logIn(provider)
    idp.secret = 'second'
    await assert.rejects(provider.renew(credential, alice()), ProviderAway)
    writeFileSync(clientSecretFile, 'second\n')
    const renewed = await provider.renew(credential, alice())
    rmSync(clientSecretFile)
    await provider.renew(renewed.credential, alice())
    await logIn(provider)
  })

  it('that is asked for a recent login says when it was, or proves nothing (OpenID Connect Core 3.1.3.7)', async () => {
    const { provider } = open({ parameters: { max_age: '600' } })
    const now = Math.floor(Date.now() / 1000)
    for (const authTime of [undefined, now - 3600, 'just now']) {
      idp.idToken = { auth_time: authTime }
      await assert.rejects(logIn(provider), ProviderRefused, String(authTime))
    }
    idp.idToken = { auth_time: now - 60 }
    assert.equal((await logIn(provider)).subject, 'alice')
    idp.idToken = { auth_time: now - 3600 }
    assert.equal((await logIn(open({}).provider)).subject, 'alice', 'it was not asked')
  })

  it('that does not know its client says nothing about a person, whichever way it says so (A67)', async () => {
    const { provider } = open({ userinfo: true })
    const { credential = '' } = await logIn(provider)
    for (const [status, challenge] of [
      [401, undefined],
      [401, 'Basic realm="idp"'],
      [400, undefined],
      [503, 'Basic realm="idp"'],
    ] as const) {
      idp.answer = (_request, res) =>
        void res
          .writeHead(status, {
            'content-type': 'application/json',
            ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
          })
          .end('{"error":"invalid_client"}')
      await assert.rejects(provider.renew(credential, alice()), ProviderAway, `${status} ${challenge}`)
    }
    idp.answer = undefined
    idp.userinfo = { sub: 'alice' }
    const { credential: next } = await open({}).provider.renew(credential, alice())
    idp.userinfoFails = 401
    await assert.rejects(open({ userinfo: true }).provider.renew(next, alice()), ProviderRefused)
  })

  it('whose keys have changed a moment ago says nothing about a person until they are read again (A62, A67)', async () => {
    const { provider } = open({})
    const { credential = '' } = await logIn(provider)
    idp.header = { kid: 'of the next key' }
    const away = await provider.renew(credential, alice()).catch((error: unknown) => error)
    assert.ok(away instanceof ProviderAway)
    idp.header = {}
    await provider.renew(away.credential ?? credential, alice())
    assert.match(away.message, /signed with a key that is not known yet/)
  })

  it('proves nothing with an ID token that none of its keys has signed (A66)', async () => {
    const { provider } = open({})
    const { credential = '' } = await logIn(provider)
    idp.forges = true
    await assert.rejects(provider.renew(credential, alice()), ProviderRefused)
    await assert.rejects(logIn(provider), ProviderRefused)
    idp.forges = false
    await logIn(provider)
  })

  it('says anew who it is by userinfo where a refresh brings no ID token, and never of somebody else (A66, A67)', async () => {
    Object.assign(idp, { provesAnew: false, userinfo: { sub: 'alice', groups: ['ops'] } })
    const { provider, facts } = open({ userinfo: true })
    let { credential = '' } = await logIn(provider)
    const renewed = await provider.renew(credential, alice())
    assert.deepEqual([renewed.identity?.issuer, renewed.identity?.subject], [idp.issuer, 'alice'])
    assert.deepEqual(facts(renewed.identity?.claims ?? {}).groups, ['ops'])
    idp.userinfo = { sub: 'mallory', groups: ['ops'] }
    await assert.rejects(provider.renew(renewed.credential, alice()), ProviderRefused)
    const silent = open({}).provider
    ;({ credential = '' } = await logIn(silent))
    assert.equal(
      (await silent.renew(credential, alice())).identity,
      undefined,
      'what is not asked says nothing',
    )
  })

  it('is not shown the refresh token of a user of another issuer (A67)', async () => {
    Object.assign(idp, { provesAnew: false })
    const { provider } = open({})
    const { credential = '' } = await logIn(provider)
    const asked = idp.tokenRequests.length
    for (const issuer of ['https://login.example.com', `${idp.issuer}/`])
      await assert.rejects(provider.renew(credential, { issuer, subject: 'alice' }), ProviderRefused)
    assert.equal(idp.tokenRequests.length, asked)
    await provider.renew(credential, alice())
  })

  it('is believed its signed ID token, also at a refresh, where userinfo says something else (A66)', async () => {
    Object.assign(idp, { userinfo: { sub: 'alice', groups: ['admins'], roles: ['reader'] } })
    idp.idToken = { groups: ['staff'] }
    const { provider, facts } = open({ userinfo: true })
    const { claims, credential = '' } = await logIn(provider)
    const renewed = await provider.renew(credential, alice())
    for (const said of [claims, renewed.identity?.claims ?? {}]) {
      const { groups, roles } = facts(said)
      assert.deepEqual([groups, roles], [['staff'], ['reader']])
    }
  })

  it('is believed what it says by signed userinfo if it has signed that (A66)', async () => {
    Object.assign(idp, { userinfo: { sub: 'alice', groups: ['staff'] }, signsUserinfo: true })
    const { provider, facts } = open({ userinfo: true })
    const { claims, credential = '' } = await logIn(provider)
    assert.deepEqual(facts(claims).groups, ['staff'])
    Object.assign(idp, { userinfo: { sub: 'alice', groups: ['admins'] }, provesAnew: false, forges: true })
    await assert.rejects(provider.renew(credential, alice()), ProviderRefused)
  })

  it('names the roles of a realm, as Keycloak does', async () => {
    idp.idToken = { realm_access: { roles: ['admin'] }, resource_access: { portcullis: { roles: ['x'] } } }
    const { provider, facts } = open({ preset: 'keycloak' })
    assert.deepEqual(facts((await logIn(provider)).claims).roles, ['admin'])
  })

  it('is asked for what the ID token leaves out, at Okta always, and never about somebody else (A66)', async () => {
    idp.userinfo = { sub: 'alice', groups: ['staff'], name: 'From Userinfo' }
    const { provider, facts } = open({ preset: 'okta' })
    const { groups, displayName } = facts((await logIn(provider)).claims)
    assert.deepEqual([groups, displayName], [['staff'], 'Alice Liddell'], 'what is signed counts more')
    idp.userinfo = { sub: 'mallory', groups: ['admins'] }
    await assert.rejects(logIn(provider), ProviderRefused)
    const { claims } = await logIn(open({}).provider)
    assert.equal(claims['groups'], undefined, 'others are not asked')
  })
})
