import assert from 'node:assert/strict'
import type { ConfigInput } from '../../src/config/schema.ts'
import { FormBrowser, type SeenPage } from './form-browser.ts'
import { providerSetting, startIdentityProvider, type TestProvider } from './identity-provider.ts'
import { type Installation, startInstallation } from './installation.ts'
import { type MovableClock, movableClock } from './movable-clock.ts'
import { OAuthClient, type TokenAnswer } from './oauth.ts'

/** The code verifier of every request here. */
export const verifier = 'a-verifier-of-the-tests-with-enough-characters-in-it'

/** A user for whom a provider vouches. */
export const alice = {
  sub: 'alice',
  name: 'Alice Liddell',
  email: 'alice@example.com',
  email_verified: true,
}

/** An installation where users log in at two providers, which refuse members of the group `suspended`. */
export interface Federation {
  readonly first: TestProvider
  readonly second: TestProvider
  readonly installation: Installation
  readonly clock: MovableClock
  /** The setting `login.providers`, which applies from the next start on. */
  readonly setting: NonNullable<NonNullable<ConfigInput['login']>['providers']>
  readonly client: OAuthClient
  /** Takes a browser to the point where it is sent to the first provider. */
  leave(browser: FormBrowser): Promise<URL>
  /** Opens a callback, and the page of the authorization request to which it leads. */
  comeBack(browser: FormBrowser, callback: URL): Promise<SeenPage>
  /** Both, by way of the first provider, with a browser of its own. `also` is added to the provider's answer. */
  visitFirst(also?: Parameters<TestProvider['authorize']>[1]): Promise<SeenPage>
  /** Logs in at the first provider, approves, and redeems the code. */
  signIn(browser?: FormBrowser): Promise<TokenAnswer['body']>
  /** Makes the providers answer correctly again. */
  mend(): void
  close(): Promise<void>
}

/** Starts them. `login` is the rest of that setting, and `metadata` what the first provider says in addition. */
export async function startFederation(
  config: ConfigInput = {},
  login: ConfigInput['login'] = {},
  metadata: TestProvider['metadata'] = {},
): Promise<Federation> {
  const clock = movableClock()
  const first = Object.assign(await startIdentityProvider('first'), { metadata })
  const second = await startIdentityProvider('second')
  const providers: Federation['setting'] = [
    { ...providerSetting(first, 'first'), deny: { groups: ['suspended'] } },
    providerSetting(second, 'second'),
  ]
  const installation = await startInstallation({
    clock,
    config: { ...config, login: { ...login, providers } },
  })
  const client = new OAuthClient(installation.url)

  const leave = async (browser: FormBrowser): Promise<URL> => {
    const url = await browser.visit(client.authorizationUrl({ verifier }))
    assert.ok(url?.href.startsWith(first.issuer), `the browser is at ${url?.href ?? browser.lastPage.html}`)
    return url as URL
  }

  const comeBack = async (browser: FormBrowser, callback: URL): Promise<SeenPage> => {
    const { headers } = await browser.open(callback.href)
    return browser.open(new URL(headers.get('location') ?? '', callback).href)
  }

  return {
    first,
    second,
    installation,
    clock,
    setting: providers,
    client,
    leave,
    comeBack,
    async visitFirst(also) {
      const browser = new FormBrowser()
      return comeBack(browser, first.authorize(await leave(browser), also))
    },
    async signIn(browser = new FormBrowser()) {
      const callback = first.authorize(await leave(browser))
      const answer = await browser.visit(callback.href)
      const code = answer?.searchParams.get('code') ?? ''
      const { status, body } = await client.redeem({ code, verifier, callback })
      assert.equal(status, 200, JSON.stringify(body) + browser.lastPage.html)
      return body
    },
    mend() {
      const right = { person: alice, idToken: {}, header: {}, answer: undefined, metadata: {} }
      for (const provider of [first, second]) Object.assign(provider, right, { givesRefreshTokens: true })
    },
    async close() {
      await installation.close()
      await first.close()
      await second.close()
    },
  }
}
