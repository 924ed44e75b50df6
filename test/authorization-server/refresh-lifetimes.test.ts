import assert from 'node:assert/strict'
import { after, before, describe, it, mock } from 'node:test'
import { decodeJwt } from 'jose'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { AuthorizationServerSettings } from '../../src/authorization-server/settings.ts'
import { refreshTokenSeconds } from '../../src/authorization-server/tokens/token-lifetimes.ts'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

const day = 24 * 3600 * 1000

describe('the lifetime of a refresh token (T4)', () => {
  let installation: Installation
  let client: OAuthClient
  before(async () => {
    // The library goes by the time of the machine: Date alone is moved, timers run on.
    mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const tokens = { refreshIdleSeconds: (2 * day) / 1000, refreshAbsoluteSeconds: (5 * day) / 1000 }
    installation = await startInstallation({ config: { tokens } })
    client = new OAuthClient(installation.url)
  })
  after(async () => {
    mock.timers.reset()
    await installation.close()
  })

  it('begins anew with each use', async () => {
    let { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    for (let use = 0; use < 2; use++) {
      mock.timers.tick(1.9 * day)
      const { status, body } = await client.refresh(token)
      assert.equal(status, 200)
      token = body.refresh_token
    }
  })

  it('ends when it lies unused for too long', async () => {
    const { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    mock.timers.tick(2.1 * day)
    const { status, body } = await client.refresh(token)
    assert.deepEqual([status, body.error], [400, 'invalid_grant'])
  })

  it('ends with its grant, however often it is used', async () => {
    let { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    for (let use = 0; use < 4; use++) {
      mock.timers.tick(1.2 * day)
      const { status, body } = await client.refresh(token)
      assert.equal(status, 200, `use ${use}`)
      token = body.refresh_token
    }
    mock.timers.tick(0.3 * day)
    assert.equal((await client.refresh(token)).body.error, 'invalid_grant')
  })

  it('is not outlived by the last access token of its grant', async () => {
    let { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    for (const pause of [1.9 * day, 1.9 * day]) {
      mock.timers.tick(pause)
      token = (await client.refresh(token)).body.refresh_token
    }
    const tenMinutes = 600
    mock.timers.tick(1.2 * day - tenMinutes * 1000)
    const { body } = await client.refresh(token)
    const { exp = 0, iat = 0 } = decodeJwt(body.access_token)
    assert.deepEqual([exp - iat, body['expires_in']], [tenMinutes, tenMinutes])
  })

  it('is one that the library takes where the grant ends while it makes the successor', () => {
    const tokens = {
      refreshIdleSeconds: 60,
      refreshAbsoluteSeconds: 600,
    } as AuthorizationServerSettings['tokens']
    for (const [left, seconds] of [
      [-1, 1],
      [0, 1],
      [30, 30],
      [90, 60],
      [undefined, 60],
    ] as const) {
      const context = { oidc: { entities: { Grant: { remainingTTL: left } } } } as KoaContextWithOIDC
      assert.equal(refreshTokenSeconds({ tokens, clients: [] }, context), seconds)
    }
  })
})

describe('the lifetime of an access token (T2)', () => {
  it('is that of its client, of its kind of client, or of all (N23)', async () => {
    const installation = await startInstallation({
      config: {
        clients: [
          ...testClients.map((client) =>
            client.id === 'machine' ? { ...client, accessTokenSeconds: 120 } : client,
          ),
          {
            id: 'known-web',
            redirectUris: ['https://claude.example/known'],
            accessTokenSeconds: 90,
          },
        ],
        tokens: {
          accessTokenSeconds: 600,
          profiles: [
            { redirectHost: 'claude.example', accessTokenSeconds: 43_200 },
            { redirectHost: '127.0.0.1', accessTokenSeconds: 300 },
          ],
        },
      },
    })
    const seconds = (body: Record<string, string> & { access_token: string }): number => {
      const { exp = 0, iat = 0 } = decodeJwt(body.access_token)
      assert.equal(body['expires_in'], exp - iat)
      return exp - iat
    }
    const register = (...redirect_uris: string[]): Promise<OAuthClient> =>
      OAuthClient.register(installation.url, { redirect_uris })
    const hosted = await register('https://claude.example/callback')
    const both = await register('https://claude.example/callback', 'https://elsewhere.example/cb')
    const known = new OAuthClient(installation.url, 'known-web', 'https://claude.example/known')
    const local = new OAuthClient(installation.url)

    const first = await hosted.signIn()
    assert.equal(seconds(first), 43_200)
    assert.equal(seconds((await hosted.refresh(first.refresh_token)).body), 43_200, 'also when it refreshes')
    assert.equal(seconds(await both.signIn()), 600, 'one address of the host is not enough')
    assert.equal(seconds(await known.signIn()), 90)
    assert.equal(seconds(await local.signIn()), 300)
    const { body } = await local.token({
      grant_type: 'client_credentials',
      client_id: 'machine',
      client_secret: 'machine-secret-of-the-tests',
    })
    assert.equal(seconds(body), 120)
    await installation.close()
  })
})
