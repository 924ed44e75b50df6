import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { storageAdapter } from '../../src/authorization-server/library/adapter.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { openStore } from '../../src/storage/open.ts'
import { adapterPorts } from '../support/adapter-ports.ts'
import { testSecret } from '../support/engines.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { OAuthClient, type TokenAnswer } from '../support/oauth.ts'
import { proofKey } from '../support/proofs.ts'

const scope = 'mcp:tools:read'
/** Longer than the window. */
const later = 20_001

describe('what a client redeems is not used up (T3)', () => {
  let clock: MovableClock
  let installation: Installation
  let client: OAuthClient
  let database: DatabaseSync
  const upstreams: NonNullable<ConfigInput['upstreams']> = [
    { name: 'one', path: '/mcp', url: 'http://127.0.0.1:9/mcp' },
    { name: 'two', path: '/two/mcp', url: 'http://127.0.0.1:9/mcp' },
  ]
  before(async () => {
    clock = movableClock()
    installation = await startInstallation({ clock, config: { upstreams } })
    client = new OAuthClient(installation.url)
    database = new DatabaseSync(join(installation.data, 'portcullis.sqlite'))
  })
  after(async () => {
    database.close()
    await installation.close()
  })

  /** Asks while the store fails to do something to artifacts. */
  const askBroken = async (change: string, ask: () => Promise<TokenAnswer>): Promise<TokenAnswer> => {
    database.exec(
      `create trigger broken before ${change} begin select raise(abort, 'the store is broken'); end`,
    )
    try {
      return await ask()
    } finally {
      database.exec('drop trigger broken')
    }
  }
  const assertFault = async ({ status, body, headers }: TokenAnswer): Promise<void> => {
    assert.deepEqual([status, body.error], [500, 'server_error'])
    assert.deepEqual(Object.keys(body).toSorted(), ['error', 'error_description'])
    assert.match(body['error_description'] ?? '', /\(request [\w-]+\)$/)
    assert.deepEqual(
      ['cache-control', 'access-control-allow-origin'].map((name) => headers.get(name)),
      ['no-store', '*'],
    )
    const { outcome, code, reason } = (await installation.audit()).at(-1) ?? {}
    assert.deepEqual([outcome, code, reason], ['failed', 'server_error', 'the store is broken'])
    assert.ok(installation.log().includes('"message":"the store is broken"'))
  }

  it('where the store fails when the answer is ready, and the client hears so (N24)', async () => {
    const resource = `${installation.url}/mcp`
    const { refresh_token: token } = await client.signIn({ scope, resource })
    await assertFault(await askBroken('update of refresh_serial on artifacts', () => client.refresh(token)))
    clock.advance(later)
    assert.equal((await client.refresh(token)).status, 200)
  })

  it('where the store fails after the code was taken up (P9, N24)', async () => {
    const key = await proofKey()
    const issued = await client.authorize({ scope, resource: `${installation.url}/mcp` })
    const redeem = async (): Promise<TokenAnswer> =>
      client.redeem(issued, {}, { dpop: await key.prove({ url: `${installation.url}/token` }) })
    // The proof is noted after the code.
    await assertFault(await askBroken(`insert on artifacts when new.model = 'ReplayDetection'`, redeem))
    assert.equal((await redeem()).status, 200)
  })

  it('where its server has gone, and is there again (T4)', async () => {
    const resource = `${installation.url}/two/mcp`
    const { refresh_token: token } = await client.signIn({ scope, resource })
    const [two] = upstreams.splice(1)
    await installation.restart()
    const { status, body } = await client.refresh(token)
    assert.deepEqual([status, body.error], [400, 'invalid_target'])
    clock.advance(later)
    upstreams.push(two as (typeof upstreams)[number])
    await installation.restart()
    assert.equal((await client.refresh(token)).status, 200)
  })
})

describe('a grant that ends while it is being redeemed', () => {
  it('is given no refresh token (A58)', async () => {
    const store = await openStore({ folder: undefined, secret: testSecret, clock: systemClock })
    const tokens = storageAdapter(adapterPorts(store))('RefreshToken')
    const name = { grantId: 'ended', clientId: 'television' }
    await assert.rejects(async () => tokens.upsert('a token', name, 600), { error: 'invalid_grant' })
    await store.close()
  })
})
