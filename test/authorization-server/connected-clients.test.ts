import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Provider } from 'oidc-provider'
import { connectedClients } from '../../src/authorization-server/account/connected-clients.ts'
import { inTurns } from '../storage/in-turns.ts'

it('the clients of somebody who has connected thousands are found while everything else goes on', async () => {
  const count = 1000
  let looks = 0
  const ofClient = (index: number) => ({
    get clientId() {
      looks++
      return `client ${index}`
    },
  })
  const standing = Array.from({ length: count }, (_, index) => {
    const grant = { id: '', accountId: 'ada', grantedAt: 1000 - index, resources: { files: ['a'] } }
    return Object.defineProperties(ofClient(index), Object.getOwnPropertyDescriptors(grant))
  })
  const scope = { redirectHost: '', resource: 'files', scope: 'b', clientDigest: '', expiresAt: 5 }
  const remembered = [
    { ...scope, clientId: 'client 0' },
    { ...scope, clientId: 'another' },
  ]
  const provider = { Client: { find: async () => undefined } } as unknown as Provider
  const resources = { find: () => undefined } as never
  const found = await inTurns(() => connectedClients(provider, resources, { standing, remembered } as never))
  assert.deepEqual(
    found.map(({ id }) => id),
    [...Array.from({ length: count }, (_, index) => `client ${index}`), 'another'],
  )
  const servers = (...scopes: readonly string[]) => [{ name: 'files', scopes }]
  assert.deepEqual(
    [found[0], found[1], found.at(-1)].map((client) => [
      client?.since,
      client?.unaskedUntil,
      client?.servers,
    ]),
    [
      [1000, 5, servers('a', 'b')],
      [999, undefined, servers('a')],
      [undefined, 5, servers('b')],
    ],
  )
  assert.ok(looks < 4 * count, `${looks} looks at ${count} grants`)
})
