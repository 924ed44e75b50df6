import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, afterEach, before, describe, it } from 'node:test'
import { ConfigurationInvalid } from '../../src/config/problems.ts'
import { systemClock } from '../../src/core/clock.ts'
import { reasonOf } from '../../src/core/reason-of.ts'
import { createOperatorFetch } from '../../src/http/operator-fetch.ts'
import { FetchRefused } from '../../src/http/safe-fetch.ts'
import { IssuerAway, IssuerInvalid } from '../../src/issuer/discover-issuer.ts'
import { openIdProvider } from '../../src/issuer/openid-provider.ts'
import { providerSetting, startIdentityProvider, type TestProvider } from '../support/identity-provider.ts'
import { startInstallation } from '../support/installation.ts'
import { listen } from '../support/listen.ts'
import { until } from '../support/until.ts'

const bounds = { userAgent: 'test', maxBytes: 64 * 1024, milliseconds: 30_000, running: 4 }

function open(issuer: string, milliseconds = bounds.milliseconds) {
  const origins = [new URL(issuer).origin]
  return openIdProvider(
    {
      name: 'idp',
      label: 'the company',
      issuer,
      origins,
      clientId: 'portcullis',
      clientSecret: { current: 'secret' },
      scopes: ['openid'],
      parameters: {},
      userinfo: false,
      endsSession: true,
      callbackUrl: 'http://127.0.0.1:1/login/callback/idp',
      afterLogoutUrl: 'http://127.0.0.1:1/logout',
    },
    { fetch: createOperatorFetch({ origins, ...bounds, milliseconds }), clock: systemClock },
  )
}

describe('the metadata of an identity provider', () => {
  let provider: TestProvider
  before(async () => {
    provider = await startIdentityProvider()
  })
  afterEach(() => {
    provider.metadata = {}
  })
  after(() => provider.close())

  it('is taken where it names the issuer itself, and endpoints at its origin', async () => {
    await open(provider.issuer).check()
  })

  for (const [what, metadata, message] of [
    ['another issuer', { issuer: 'https://evil.example' }, /names another issuer: "https:\/\/evil.example"/],
    [
      'an endpoint over http',
      { token_endpoint: 'http://login.example.com/token' },
      /token_endpoint.*not https/,
    ],
    [
      'keys inside the network',
      { jwks_uri: 'https://169.254.169.254/keys' },
      /jwks_uri.*not on the public internet/,
    ],
    ['keys on this machine', { jwks_uri: 'https://localhost/keys' }, /jwks_uri.*not on the public internet/],
    [
      'an address for browsers that runs something',
      { authorization_endpoint: 'javascript:alert(1)' },
      /not https/,
    ],
    ['user information', { userinfo_endpoint: 'https://a:b@login.example.com/' }, /user information/],
    [
      'questions about tokens inside the network',
      { introspection_endpoint: 'https://10.0.0.1/introspect' },
      /introspection_endpoint.*not on the public internet/,
    ],
    [
      'a revocation inside the network',
      { revocation_endpoint: 'https://[::1]/revoke' },
      /revocation_endpoint.*not on the public internet/,
    ],
    ['no URL', { end_session_endpoint: 'logout' }, /no URL/],
  ] as const) {
    it(`is refused with ${what}, and nothing but the document is fetched (A69, D10, U2)`, async () => {
      provider.metadata = metadata
      const earlier = provider.paths.length
      await assert.rejects(open(provider.issuer).check(), (error) => {
        assert.ok(error instanceof IssuerInvalid)
        assert.match(error.message, message)
        return true
      })
      assert.equal(provider.paths.length, earlier + 1)
    })
  }

  it('stops the start where it cannot be trusted, and names the setting (A69)', async () => {
    provider.metadata = { issuer: 'https://evil.example' }
    const starting = startInstallation({ config: { login: { providers: [providerSetting(provider)] } } })
    await assert.rejects(starting, (error) => {
      assert.ok(error instanceof ConfigurationInvalid)
      assert.match(error.message, /login\.providers\[0\]\.issuer: the metadata of/)
      return true
    })
  })

  it('is asked for again where the provider does not answer, and does not stop the start', async () => {
    const gone = await startIdentityProvider()
    await gone.close()
    await assert.rejects(open(gone.issuer).check(), IssuerAway)
    const installation = await startInstallation({
      config: { login: { providers: [providerSetting(gone)] } },
    })
    assert.match(
      installation.log(),
      /cannot be reached \(connect ECONNREFUSED [\d.:]+\): nobody can log in there yet/,
    )
    await installation.close()
  })

  it('that cannot be had at this moment is no mistake of the operator, and what will never be right is', async (test) => {
    let status = 0
    let body = '{}'
    const server = createServer((_req, res) => {
      res.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })
    const { url: issuer } = await listen(server, test)
    for (const [given, kind] of [
      [500, IssuerAway],
      [503, IssuerAway],
      [429, IssuerAway],
      [404, IssuerInvalid],
      [403, IssuerInvalid],
    ] as const) {
      status = given
      await assert.rejects(open(issuer).check(), (error) => {
        assert.ok(error instanceof kind, String(given))
        assert.match(error.message, new RegExp(`answers ${given} where its metadata should be`))
        return true
      })
    }
    status = 200
    body = '{'
    await assert.rejects(open(issuer).check(), IssuerInvalid, 'no JSON')
    body = JSON.stringify({ issuer, token_endpoint: 7 })
    await assert.rejects(open(issuer).check(), /has a token_endpoint that is no URL/)
  })

  it('that does not come in time, or does not end, is told as that, and does not stop the start', async (test) => {
    const silent = createServer(() => undefined)
    await assert.rejects(open((await listen(silent, test)).url, 20).check(), IssuerAway)
    const endless = createServer((_req, res) => res.end(' '.repeat(100_000)))
    const { url } = await listen(endless, test)
    await assert.rejects(open(url).check(), (error) => {
      assert.ok(error instanceof IssuerAway)
      assert.equal(reasonOf(error), `${url} cannot be reached (the answer is larger than 65536 bytes)`)
      return true
    })
  })

  it('is not followed to where it redirects (A69, U1)', async (test) => {
    let asked = 0
    const target = createServer((_req, res) => {
      asked++
      res.end()
    })
    const { url: inside } = await listen(target, test)
    const server = createServer((_req, res) => res.writeHead(302, { location: inside }).end())
    await assert.rejects(open((await listen(server, test)).url).check(), IssuerInvalid)
    assert.equal(asked, 0)
  })
})

describe('a fetch for an issuer that the operator named', () => {
  it('reaches other hosts over https and on the public internet alone (A69, U1)', async () => {
    const fetch = createOperatorFetch({ origins: ['https://login.example.com'], ...bounds })
    for (const url of [
      'http://127.0.0.1:1/',
      'https://127.0.0.1:1/',
      'https://[::1]/',
      'https://10.0.0.1/',
      'http://x.example/',
    ]) {
      await assert.rejects(fetch(url, {}), FetchRefused, url)
    }
    // A name that leads inside is noticed when it is looked up.
    await assert.rejects(fetch('https://ip6-localhost/', {}), (error) => error instanceof FetchRefused)
  })

  it('reads no more than it may', async (test) => {
    const server = createServer((_req, res) => res.end('x'.repeat(100_000)))
    const { url: origin } = await listen(server, test)
    const fetch = createOperatorFetch({ origins: [origin], ...bounds })
    await assert.rejects(fetch(origin, {}), /larger than 65536 bytes/)
  })

  it('waits for its turn, as long as it may take, where many are running (A36)', async (test) => {
    const held: (() => void)[] = []
    const server = createServer((_req, res) => void held.push(() => res.end()))
    const { url: origin } = await listen(server, test)
    const fetch = createOperatorFetch({ origins: [origin], ...bounds, milliseconds: 1000, running: 2 })
    const all = Array.from({ length: 5 }, () => fetch(origin, {}))
    for (let answered = 0; answered < 5; answered++) {
      await until(() => held.length > answered, 'the next one is there')
      assert.ok(held.length <= answered + 2)
      held[answered]?.()
    }
    for (const { status } of await Promise.all(all)) assert.equal(status, 200)
    const late = await Promise.allSettled(Array.from({ length: 3 }, () => fetch(origin, {})))
    assert.equal(held.length, 7)
    assert.deepEqual(
      late.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    )
  })
})
