import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import type { OperatorFetch } from '../../src/http/operator-fetch.ts'
import { type LoginProvider, ProviderAway, ProviderRefused } from '../../src/identity/provider-contract.ts'
import { githubApi, githubProvider } from '../../src/issuer/github-provider.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { startGithub, type TestGithub } from '../support/github.ts'
import { startInstallation } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'

const attempt = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) }
const scopes = ['read:user', 'user:email', 'read:org']

describe('GitHub as a place to log in', () => {
  let github: TestGithub
  let provider: LoginProvider
  /** How often it was asked for anything. */
  let asked = 0
  /** What its file says is only known once it is looked up. */
  const clientSecret = {
    current: 'an earlier secret',
    lookUp: async () => void (clientSecret.current = 'github-secret'),
  }
  const counted: OperatorFetch = (...request) => {
    asked++
    return (fetch as OperatorFetch)(...request)
  }
  before(async () => {
    github = await startGithub()
    provider = githubProvider(
      {
        name: 'github',
        label: 'GitHub',
        issuer: github.issuer,
        origins: [],
        clientId: 'Iv1.0',
        clientSecret,
        scopes,
        parameters: { allow_signup: 'false' },
        userinfo: false,
        endsSession: false,
        callbackUrl: 'https://gw.example/login/callback/github',
        afterLogoutUrl: 'https://gw.example/logout',
      },
      counted,
    )
  })
  afterEach(() => github.failures.clear())
  after(() => github.close())

  const answer = async (): Promise<string> =>
    github.authorize(await provider.authorizationUrl(attempt, { fresh: false })).search.slice(1)
  const octocat = () => ({ issuer: github.issuer, subject: '583231' })
  const redeem = async () => provider.redeem(await answer(), attempt)

  it('is asked at its own endpoints, with PKCE, state, scopes and what the operator adds', async () => {
    const url = await provider.authorizationUrl(attempt, { fresh: false })
    assert.equal(url.origin + url.pathname, `${github.issuer}/login/oauth/authorize`)
    const { state, scope, code_challenge_method: method } = Object.fromEntries(url.searchParams)
    assert.deepEqual([state, scope, method], [attempt.state, scopes.join(' '), 'S256'])
    assert.equal(url.searchParams.get('allow_signup'), 'false')
    assert.equal(githubApi('https://github.com'), 'https://api.github.com')
    assert.equal(githubApi(github.issuer), `${github.issuer}/api/v3`)
  })

  it('says who somebody is by the number of the account, with a verified address and all groups', async () => {
    const { issuer, subject, claims, credential } = await redeem()
    assert.equal(asked, 5, 'its token endpoint within the same bounds as its API')
    assert.deepEqual([issuer, subject], [github.issuer, '583231'])
    assert.deepEqual([claims['email'], claims['email_verified']], ['octocat@example.com', true])
    assert.deepEqual(claims['groups'], ['my-company', 'my-company/platform'])
    const earlier = asked
    const renewed = await provider.renew(credential ?? '', { issuer, subject })
    assert.equal(renewed.identity?.subject, subject)
    assert.equal(asked - earlier, 4, 'for no page behind the last one, since it counts them')
    github.api.set('/user/emails', [{ email: 'a@b.example', primary: true, verified: false }])
    const unverified = (await redeem()).claims
    assert.deepEqual([unverified['email'], unverified['email_verified']], [undefined, false])
  })

  it('proves nobody where it does not say the number of the account: all such would be one', async () => {
    const user = github.api.get('/user')
    for (const id of [undefined, null, '583231']) {
      github.api.set('/user', { login: 'octocat', id })
      await assert.rejects(redeem(), ProviderRefused)
    }
    github.api.set('/user', user)
  })

  it('reads organisations and teams to the end, and of whoever is in too many the first ones', async () => {
    const { credential = '' } = await redeem()
    const kept = [...github.api]
    const groupsWhereIn = async (organisations: number, teams: number) => {
      const named = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index}`)
      github.api.set(
        '/user/orgs',
        named(organisations).map((login) => ({ login })),
      )
      github.api.set(
        '/user/teams',
        named(teams).map((slug) => ({ slug, organization: { login: 'o' } })),
      )
      const { identity } = await provider.renew(credential, octocat())
      return identity?.claims['groups'] as string[]
    }
    const groups = await groupsWhereIn(200, 101)
    assert.equal(new Set(groups).size, 301)
    assert.ok(groups.includes('n199') && groups.includes('o/n100'))
    assert.equal((await groupsWhereIn(1001, 0)).length, 1000)
    for (const [path, value] of kept) github.api.set(path, value)
  })

  it('says no to a code of another state, without the verifier, or a second time, and to a token that was taken back', async () => {
    const query = await answer()
    for (const wrong of [{ state: 'x'.repeat(43) }, { verifier: 'x'.repeat(43) }])
      await assert.rejects(provider.redeem(await answer(), { ...attempt, ...wrong }), ProviderRefused)
    const { credential = '' } = await provider.redeem(query, attempt)
    await assert.rejects(provider.redeem(query, attempt), ProviderRefused)
    await assert.rejects(provider.redeem(`error=access_denied&state=${attempt.state}`, attempt), {
      name: 'ProviderRefused',
      code: 'access_denied',
    })
    github.revoke()
    await assert.rejects(provider.renew(credential, octocat()), ProviderRefused)
  })

  it('is not shown the access token of a user of another GitHub (A67)', async () => {
    const { credential = '' } = await redeem()
    // So that being asked would be another failure than a no.
    github.failures.set('/user', [503])
    const elsewhere = { issuer: 'https://github.com', subject: '583231' }
    await assert.rejects(provider.renew(credential, elsewhere), ProviderRefused)
  })

  it('tells being away and its limits from a no, and a scope that was not given from both', async () => {
    const { credential = '' } = await redeem()
    const failing = (path: string, status: number, headers = {}, message?: string): Promise<unknown> => {
      github.failures.clear()
      github.failures.set(path, [status, headers, message])
      return provider.renew(credential, octocat())
    }
    await assert.rejects(failing('/user', 503), ProviderAway)
    await assert.rejects(failing('/user', 403), ProviderAway)
    await assert.rejects(failing('/user/orgs', 403, { 'x-ratelimit-remaining': '0' }), ProviderAway)
    await assert.rejects(failing('/user/teams', 403, { 'retry-after': '60' }), ProviderAway)
    const tooFast =
      'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'
    await assert.rejects(
      failing('/user/orgs', 403, { 'x-ratelimit-remaining': '4990' }, tooFast),
      ProviderAway,
    )
    for (const status of [403, 404]) {
      await failing('/user/orgs', status)
      const { identity } = await provider.renew(credential, octocat())
      assert.deepEqual(identity?.claims['groups'], ['my-company/platform'])
    }
  })

  it('lets members of a group in, and ends their access when they leave it (A67)', async (t) => {
    const setting = { preset: 'github' as const, clientId: 'Iv1.0', clientSecret: 'github-secret' }
    const providers = [{ ...setting, issuer: github.issuer, allow: { groups: ['my-company'] } }]
    const clock = movableClock()
    const installation = await startInstallation({ clock, config: { login: { providers } } })
    t.after(() => installation.close())
    const client = new OAuthClient(installation.url)
    const browser = new FormBrowser()
    const left = await browser.visit(client.authorizationUrl({ verifier: attempt.verifier }))
    const callback = github.authorize(left as URL)
    const back = await browser.visit(callback.href)
    const code = back?.searchParams.get('code') ?? ''
    const { status, body } = await client.redeem({ code, verifier: attempt.verifier, callback })
    assert.equal(status, 200, browser.lastPage.html)
    assert.match(browser.lastPage.html, /The Octocat/)
    assert.deepEqual(decodeJwt(body.access_token)['groups'], ['my-company', 'my-company/platform'])
    github.api.set('/user/orgs', [])
    github.api.set('/user/teams', [])
    clock.advance(301_000)
    assert.equal((await client.refresh(body.refresh_token)).body.error, 'invalid_grant')
  })
})
