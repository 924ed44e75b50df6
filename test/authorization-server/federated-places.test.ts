import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { verifier } from '../support/federation.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { providerSetting, startIdentityProvider, type TestProvider } from '../support/identity-provider.ts'
import { freePort, type Installation, startInstallation, testClients } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { resolveLocalNames } from '../support/tenants.ts'

const basePath = '/team/gate'

describe('logging in at an identity provider, below a path and for tenants (N30)', () => {
  let provider: TestProvider
  let installation: Installation
  /** The installation itself, a tenant below its path, and one at a host of its own. */
  let places: readonly string[]
  before(async () => {
    resolveLocalNames()
    provider = await startIdentityProvider('company')
    const gateway = await freePort()
    const login = { providers: [providerSetting(provider, 'company')] }
    const own = {
      clients: testClients,
      upstreams: [{ name: 'test', path: '/mcp', url: 'http://127.0.0.1:9/mcp', breaker: { failures: 0 } }],
      login,
    }
    installation = await startInstallation({
      basePath,
      config: {
        listen: { gateway },
        login,
        tenants: [
          { name: 'acme', ...own },
          { name: 'globex', host: 'globex.localhost', ...own },
        ],
      },
    })
    places = [installation.url, `${installation.url}/t/acme`, `http://globex.localhost:${gateway}`]
  })
  after(async () => {
    await installation.close()
    await provider.close()
  })

  /** Takes a browser to the provider. */
  const leave = async (url: string, browser: FormBrowser): Promise<URL> => {
    const left = await browser.visit(new OAuthClient(url).authorizationUrl({ verifier }))
    assert.ok(left?.href.startsWith(provider.issuer), left?.href ?? browser.lastPage.html)
    return left as URL
  }

  it('leads to the provider and back to where it began, with a user of that place alone', async () => {
    const subjects = new Set<string>()
    const browser = new FormBrowser()
    for (const url of places) {
      const left = await leave(url, browser)
      assert.equal(left.searchParams.get('redirect_uri'), `${url}/login/callback/company`)
      const callback = provider.authorize(left)
      const back = await browser.visit(callback.href)
      const code = back?.searchParams.get('code') ?? ''
      assert.notEqual(code, '', `${url}: ${browser.lastPage.html}`)
      assert.equal(back?.searchParams.get('iss'), url)
      const { status, body } = await new OAuthClient(url).redeem({ code, verifier, callback })
      assert.equal(status, 200, JSON.stringify(body))
      const { iss, aud, sub } = decodeJwt(body.access_token)
      assert.deepEqual([iss, aud], [url, `${url}/mcp`])
      subjects.add(String(sub))
      const account = await browser.open(`${url}/account`)
      assert.match(account.html, /Alice Liddell/, url)
      const refreshed = await new OAuthClient(url).refresh(body.refresh_token)
      assert.equal(decodeJwt(refreshed.body.access_token).sub, sub)
    }
    assert.equal(subjects.size, places.length)
  })

  it('takes an answer nowhere else than where it was asked for (A65)', async () => {
    for (const mine of places) {
      const browser = new FormBrowser()
      const { pathname, search } = provider.authorize(await leave(mine, browser))
      assert.ok(pathname.endsWith('/login/callback/company'))
      for (const theirs of places.filter((url) => url !== mine)) {
        const { status } = await browser.open(`${theirs}/login/callback/company${search}`)
        assert.equal(status, 400, `of ${mine} at ${theirs}`)
      }
      const { status } = await browser.open(`${mine}/login/callback/company${search}`)
      assert.equal(status, 303, mine)
    }
  })
})
