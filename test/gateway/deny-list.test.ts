import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { ScopeSet } from '../../src/core/scope.ts'
import { openDenyList } from '../../src/gateway/token/deny-list.ts'
import { principalOf } from '../support/principal.ts'
import { until } from '../support/until.ts'

const issuer = 'https://mcp.example.com'
const principal = principalOf({
  issuer,
  clientId: 'client',
  scopes: new ScopeSet([]),
  audiences: [`${issuer}/mcp`],
  issuedAt: systemClock.now() / 1000,
  expiresAt: systemClock.now() / 1000 + 60,
  tokenId: 't',
  grantId: 'g',
})

describe('the deny list', () => {
  it('knows nothing any more when the store has been silent for a minute, until it answers again', async () => {
    let down = false
    let now = 0
    const count = { asked: 0 }
    const faults: unknown[] = []
    const feed = {
      since: async () => {
        count.asked++
        if (down) throw new Error('the store is down')
        return []
      },
      subscribe: () => () => undefined,
    }
    const onFault = (error: unknown) => faults.push(error)
    const list = await openDenyList({ feed, issuer, clock: systemClock, onFault, elapsed: () => now })
    const untilAsked = (times: number): Promise<void> => {
      const end = count.asked + times
      return until(() => count.asked >= end, 'the store is asked')
    }
    try {
      assert.equal(list.isRevoked(principal), false)
      down = true
      await untilAsked(2)
      now = 59_000
      assert.equal(list.isRevoked(principal), false, 'a change-over to a standby is bridged')
      now = 61_000
      assert.equal(list.isRevoked(principal), 'unknown')
      assert.equal(list.isRevoked({ ...principal, issuer: 'https://elsewhere.example' }), false)
      assert.ok(faults.length > 0)
      down = false
      await untilAsked(2)
      assert.equal(list.isRevoked(principal), false)
    } finally {
      list.close()
    }
  })

  it('finds what took another process long to write, and was not heard of (A9, A72)', async (test) => {
    let now = 1_000_000
    const count = { asked: 0 }
    const written: { id: string; revokedAt: number }[] = []
    const feed = {
      since: async (time: number) => {
        count.asked++
        return written
          .filter(({ revokedAt }) => revokedAt >= time)
          .map((one) => ({ ...one, kind: 'grant' as const, expiresAt: one.revokedAt + 3_600_000 }))
      },
      subscribe: () => () => undefined,
    }
    const clock = { now: () => now }
    const onFault = (error: unknown) => assert.fail(String(error))
    const list = await openDenyList({ feed, issuer, clock, onFault, elapsed: () => now })
    test.after(() => list.close())
    const untilAsked = (times: number): Promise<void> => {
      const end = count.asked + times
      return until(() => count.asked >= end, 'the store is asked')
    }
    const began = now
    now += 35_000
    await untilAsked(1)
    // The clock there is 10 s behind, and there was a wait for a connection and for a lock.
    written.push({ id: 'g', revokedAt: began - 10_000 })
    now += 10_000
    await untilAsked(1)
    assert.equal(list.isRevoked(principal), true)
  })

  it('finds what a process whose clock is behind has written, and all of it again when ours is set back (A9)', async (test) => {
    test.mock.timers.enable({ apis: ['setInterval'] })
    let now = 1_000_000
    let elapsed = 0
    const written = [{ id: 'old', revokedAt: now - 100_000 }]
    const feed = {
      since: async (time: number) =>
        written
          .filter(({ revokedAt }) => revokedAt >= time)
          .map((one) => ({ ...one, kind: 'grant' as const, expiresAt: one.revokedAt + 160_000 })),
      subscribe: () => () => undefined,
    }
    const onFault = (error: unknown) => assert.fail(String(error))
    const list = await openDenyList({
      feed,
      issuer,
      clock: { now: () => now },
      onFault,
      elapsed: () => elapsed,
    })
    test.after(() => list.close())
    /** Whether the grants are revoked, after the list has asked again. */
    const poll = async (): Promise<unknown[]> => {
      elapsed += 1000
      test.mock.timers.tick(1000)
      for (let count = 0; count < 5; count++) await Promise.resolve()
      return ['old', 'new'].map((grantId) => list.isRevoked({ ...principal, grantId }))
    }
    written.push({ id: 'new', revokedAt: now - 9000 })
    assert.deepEqual(await poll(), [true, true])
    now += 300_000
    assert.deepEqual(await poll(), [false, false], 'what they had granted has long expired')
    now -= 300_000
    assert.deepEqual(await poll(), [true, true])
  })

  it('ends what was exchanged for a token that is revoked', async (test) => {
    const times = { expiresAt: systemClock.now() + 60_000, revokedAt: systemClock.now() }
    const feed = {
      since: async () => [{ kind: 'token', id: 'first', ...times } as const],
      subscribe: () => () => undefined,
    }
    const onFault = (error: unknown) => assert.fail(String(error))
    const list = await openDenyList({ feed, issuer, clock: systemClock, onFault })
    test.after(() => list.close())
    for (const [ids, isRevoked] of [
      [{ tokenId: 'first' }, true],
      [{ tokenId: 'third', originIds: ['second', 'first'] }, true],
      [{ tokenId: 'third', originIds: ['second'] }, false],
      [{ tokenId: undefined, grantId: 'first' }, false],
    ] as const) {
      assert.equal(list.isRevoked({ ...principal, ...ids }), isRevoked, JSON.stringify(ids))
    }
  })

  it('ends what clients and users of providers hold since before they were revoked, and nothing else', async (test) => {
    const revokedAt = systemClock.now()
    const times = { expiresAt: revokedAt + 60_000, revokedAt }
    const revocations = [
      { kind: 'client', id: 'client', ...times },
      { kind: 'user', id: 'a name', ...times },
    ] as const
    const feed = { since: async () => revocations, subscribe: () => () => undefined }
    const onFault = (error: unknown) => assert.fail(String(error))
    const list = await openDenyList({ feed, issuer, clock: systemClock, onFault })
    test.after(() => list.close())
    const issuedAt = Math.floor(revokedAt / 1000)
    const held = [
      { ...principal, holders: ['client'] },
      { ...principal, holders: ['other', 'another', 'client'] },
      { ...principal, vouchedUser: 'a name' },
    ]
    for (const one of held) {
      assert.equal(list.isRevoked(one), true)
      assert.equal(list.isRevoked({ ...one, issuedAt: issuedAt + 15 }), true)
      assert.equal(list.isRevoked({ ...one, issuedAt: issuedAt + 17 }), false)
      assert.equal(list.isRevoked({ ...one, issuer: 'https://elsewhere.example' }), false)
    }
    for (const good of [
      principal,
      { ...principal, holders: ['other'] },
      { ...principal, holders: ['a name'], vouchedUser: 'client' },
    ])
      assert.equal(list.isRevoked(good), false)
  })
})
