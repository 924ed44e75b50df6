import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { storageAdapter } from '../../src/authorization-server/library/adapter.ts'
import { systemClock } from '../../src/core/clock.ts'
import { isUserId } from '../../src/core/user-id.ts'
import { localIdentity } from '../../src/identity/local.ts'
import { loginLimits } from '../../src/identity/login-limits.ts'
import { passwords } from '../../src/identity/passwords.ts'
import { countWith, inMemory } from '../../src/limits/count.ts'
import { openStore } from '../../src/storage/open.ts'
import { adapterPorts } from '../support/adapter-ports.ts'
import { testSecret } from '../support/engines.ts'

describe('ids of people and of clients (R17, A12)', () => {
  it('are never one another’s, whatever makes them', async () => {
    const store = await openStore({ folder: undefined, secret: testSecret, clock: systemClock })
    const clients = storageAdapter(adapterPorts(store))('Client')
    await assert.rejects(async () => clients.upsert('usr_x', {}, 0), /invalid_client_metadata/)
    await clients.upsert('x', {}, 0)

    await store.users.add(
      {
        id: 'x',
        name: 'x',
        displayName: 'x',
        passwordHash: undefined,
        createdAt: 0,
        disabledAt: undefined,
        loginsSince: 0,
        provider: undefined,
      },
      'x',
    )
    const identity = localIdentity({
      users: store.users,
      passwords: passwords(new Uint8Array(32)),
      limits: loginLimits(countWith(inMemory)),
      clock: systemClock,
    })
    assert.equal(await identity.find('x'), undefined, 'an id without the mark is no person')
    assert.ok(isUserId('usr_x') && !isUserId('x'))
    await store.close()
  })
})
