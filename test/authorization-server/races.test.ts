import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { signingClient } from '../support/client-assertion.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { freePort, startInstallation } from '../support/installation.ts'
import { installationStores } from '../support/installation-stores.ts'
import { challengeOf, OAuthClient } from '../support/oauth.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'

const atOnce = 50
const rounds = 5

/** Redeems one code 50 times at once, at each of the clients in turn. Returns the answers. */
async function redeemAtOnce(clients: readonly OAuthClient[]): Promise<void> {
  const [first] = clients as [OAuthClient]
  // Every connection to the store is open before anything races: opening one takes longer than a race does.
  await Promise.all(
    Array.from({ length: atOnce }, (_, index) =>
      (clients[index % clients.length] as OAuthClient).refresh('unknown'),
    ),
  )
  for (let round = 0; round < rounds; round++) {
    const issued = await first.authorize({ scope: 'mcp:tools:read' })
    const answers = await Promise.all(
      Array.from({ length: atOnce }, (_, index) =>
        (clients[index % clients.length] as OAuthClient).redeem(issued),
      ),
    )
    const [won, ...others] = answers.filter(({ status }) => status === 200)
    assert.ok(won !== undefined && others.length === 0, `${others.length + 1} of 50 got tokens`)
    for (const { status, body } of answers) {
      if (status !== 200) assert.deepEqual([status, body.error], [400, 'invalid_grant'])
    }
    const refreshed = await first.refresh(won.body.refresh_token)
    assert.equal(refreshed.body.error, 'invalid_grant', 'the replays ended what the winner had got')
  }
}

describe('50 redemptions of one code at once have exactly one winner (A43)', () => {
  let postgres: TestPostgres
  let database: TestDatabase
  before(async () => {
    postgres = await startPostgres()
    database = await postgres.createDatabase()
  })
  after(async () => {
    await database.drop()
    await postgres.stop()
  })

  it('on SQLite', async (test) => {
    const installation = await startInstallation()
    test.after(() => installation.close())
    await redeemAtOnce([new OAuthClient(installation.url)])
  })

  it('on PostgreSQL', async (test) => {
    const installation = await startInstallation({ store: database })
    test.after(() => installation.close())
    await redeemAtOnce([new OAuthClient(installation.url)])
  })

  it('on two replicas with one PostgreSQL', async (test) => {
    const [one, two] = [await freePort(), await freePort()]
    for (const gateway of [one, two]) {
      const publicUrl = `http://127.0.0.1:${one}`
      const config = { publicUrl, allowedHosts: [`127.0.0.1:${two}`], listen: { gateway } }
      const replica = await startInstallation({ store: database, config })
      test.after(() => replica.close())
    }
    await redeemAtOnce([one, two].map((port) => new OAuthClient(`http://127.0.0.1:${port}`)))
  })
})

describe('50 uses of one client assertion at once have exactly one winner (A57)', () => {
  for (const kind of installationStores) {
    it(`on ${kind.name}`, async (test) => {
      const store = await kind.open()
      test.after(() => store.close())
      const signer = await signingClient()
      const scopes = ['mcp:tools:read']
      const client = { id: 'signer', jwks: signer.jwks, grantTypes: ['client_credentials' as const], scopes }
      const installation = await startInstallation({ config: { ...store.config, clients: [client] } })
      test.after(() => installation.close())
      const endpoint = new OAuthClient(installation.url)
      const ask = (assertion: Record<string, string>) =>
        endpoint.token({ grant_type: 'client_credentials', ...assertion })
      const authenticate = () => signer.authenticate('signer', installation.url)
      const warm = await Promise.all(Array.from({ length: atOnce }, async () => ask(await authenticate())))
      assert.ok(warm.every(({ status }) => status === 200))
      for (let round = 0; round < rounds; round++) {
        const assertion = await authenticate()
        const answers = await Promise.all(Array.from({ length: atOnce }, () => ask(assertion)))
        assert.equal(answers.filter(({ status }) => status === 200).length, 1)
      }
    })
  }
})

describe('ten decisions at once about one pushed request have exactly one winner (RFC 9126 section 7.3)', () => {
  for (const kind of installationStores) {
    it(`on ${kind.name}`, async (test) => {
      const store = await kind.open()
      test.after(() => store.close())
      const installation = await startInstallation({ config: store.config })
      test.after(() => installation.close())
      const client = new OAuthClient(installation.url)
      const { body } = await client.token(
        {
          client_id: client.clientId,
          redirect_uri: client.redirectUri,
          response_type: 'code',
          code_challenge: challengeOf('v'.repeat(43)),
          code_challenge_method: 'S256',
        },
        { path: '/par' },
      )
      const parameters = { client_id: client.clientId, request_uri: String(body['request_uri']) }
      const url = `${installation.url}/authorize?${new URLSearchParams(parameters).toString()}`
      const people = 10
      const { promise: allAreThere, resolve } = Promise.withResolvers<void>()
      let there = 0
      const answers = await Promise.all(
        Array.from({ length: people }, () => {
          let forms = 0
          const beforeSubmit = async (): Promise<void> => {
            // The second form is the consent.
            if (++forms === 2 && ++there === people) resolve()
            if (forms === 2) await allAreThere
          }
          return new FormBrowser({ beforeSubmit }).visit(url)
        }),
      )
      const told = answers.map(
        (answer) => answer?.searchParams.get('error') ?? answer?.searchParams.has('code'),
      )
      assert.equal(told.filter((what) => what === true).length, 1)
      assert.equal(told.filter((what) => what === 'invalid_request_uri').length, people - 1, String(told))
    })
  }
})
