import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { systemClock } from '../../src/core/clock.ts'
import { loadMasterSecret } from '../../src/keys/master-secret.ts'
import { openStore } from '../../src/storage/open.ts'
import { askAs, clientSecret, confidential } from '../support/confidential.ts'
import { type GatedSpy, startGatedSpy } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import type { TokenAnswer } from '../support/oauth.ts'

let gate: GatedSpy
before(async () => {
  gate = await startGatedSpy({
    clients: [
      ...testClients,
      confidential('nightly', ['client_credentials'], { scopes: ['mcp:tools:read'], upstreams: ['one'] }),
    ],
    upstreams: [
      { name: 'one', path: '/mcp', url: 'http://127.0.0.1:9/mcp' },
      { name: 'two', path: '/two/mcp', url: 'http://127.0.0.1:9/mcp' },
    ],
  })
})
after(() => gate.close())

const ask = (id: string, parameters = {}): Promise<TokenAnswer> =>
  askAs(gate.oauth, id, { grant_type: 'client_credentials', ...parameters })

describe('client_credentials (T7)', () => {
  it('stays with the servers that the operator lists with the client', async () => {
    const { mcpUrl, url } = gate.installation
    const { body } = await ask('nightly', { resource: mcpUrl })
    assert.equal(decodeJwt(body.access_token).aud, mcpUrl)
    assert.equal((await ask('nightly', { resource: `${url}/two/mcp` })).body.error, 'invalid_target')
  })

  it('gives what the operator says where the scope is empty or offline_access, which changes nothing (N22)', async () => {
    for (const scope of ['', 'offline_access', 'mcp:tools:read offline_access']) {
      const { status, body } = await ask('nightly', { resource: gate.installation.mcpUrl, scope })
      assert.deepEqual([status, body.scope, body.refresh_token], [200, 'mcp:tools:read', undefined], scope)
    }
  })

  it('is for no client that came into the store another way than through the operator', async () => {
    const folder = gate.installation.data
    const secret = loadMasterSecret({ folder })
    const store = await openStore({ folder, secret, clock: systemClock })
    const payload = {
      client_id: 'stranger',
      client_secret: clientSecret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_basic',
    }
    await store.artifacts.put({ model: 'Client', id: 'stranger', payload })
    await store.close()
    const resource = gate.installation.mcpUrl
    const { status, body } = await ask('stranger', { resource, scope: 'mcp:tools:read' })
    assert.equal(status, 400)
    assert.equal(body.error, 'unauthorized_client')
  })

  it('is for no client of the operator that does not authenticate', async () => {
    const folder = gate.installation.data
    const secret = loadMasterSecret({ folder })
    const store = await openStore({ folder, secret, clock: systemClock })
    const metadata = {
      client_id: 'open',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'none',
    }
    const times = { createdAt: 1, usedAt: undefined, expiresAt: undefined }
    const client = { id: 'open', source: 'operator', metadata, secretHash: undefined, ...times } as const
    await store.clients.register(client, undefined)
    await store.close()
    const parameters = { client_id: 'open', resource: gate.installation.mcpUrl, scope: 'mcp:tools:read' }
    const { status, body } = await gate.oauth.token({ grant_type: 'client_credentials', ...parameters })
    assert.deepEqual([status, body.error], [400, 'unauthorized_client'])
  })
})
