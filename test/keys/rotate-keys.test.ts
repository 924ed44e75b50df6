import assert from 'node:assert/strict'
import { after, beforeEach, describe, it } from 'node:test'
import { masterSecret } from '../../src/core/secret.ts'
import { openKeyRing } from '../../src/keys/key-ring.ts'
import { keyState, type SigningAlgorithm } from '../../src/keys/key-states.ts'
import { type KeyLine, retireKey, rotateKeys } from '../../src/keys/rotate-keys.ts'
import type { Store } from '../../src/storage/contract.ts'
import { openStore } from '../../src/storage/open.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'

const hours = 3_600_000
const minutes = 60_000

let clock: MovableClock
let store: Store
let line: KeyLine
const stores: Store[] = []
beforeEach(async () => {
  clock = movableClock()
  store = await openStore({ folder: undefined, secret: masterSecret(new Uint8Array(32).fill(1)), clock })
  stores.push(store)
  line = { store: store.keys, purpose: 'authorization-server', algorithm: 'ES256', clock }
})
after(async () => {
  for (const opened of stores) await opened.close()
})

/** The state of each key, oldest first. */
async function states(): Promise<string[]> {
  const keys = await store.keys.list('authorization-server')
  return keys.map((key) => keyState(key, keys, 'ES256', clock.now())).toReversed()
}

describe('keys', () => {
  it('go from next to active, from active to retired, and then are gone (A62)', async () => {
    await openKeyRing(line)
    assert.deepEqual(await states(), ['active'])
    await rotateKeys(line, 'after-notice')
    assert.deepEqual(await states(), ['active', 'next'])
    clock.advance(10 * minutes)
    assert.deepEqual(await states(), ['retired', 'active'])
    clock.advance(25 * hours - minutes)
    assert.deepEqual(await states(), ['retired', 'active'])
    clock.advance(minutes)
    assert.deepEqual(await states(), ['gone', 'active'])
    assert.equal(await store.keys.sweep(clock.now() + 1), 1)
    await rotateKeys(line, 'at-once')
    assert.deepEqual(await states(), ['retired', 'active'])
  })

  it('of another algorithm are next until servers start with it, and then those of the old one are retired', async () => {
    const stateOf = async (
      { kid: wanted }: { kid: string },
      algorithm: SigningAlgorithm,
    ): Promise<string | undefined> => {
      const keys = await store.keys.list('authorization-server')
      const stored = keys.find(({ kid }) => kid === wanted)
      return stored && keyState(stored, keys, algorithm, clock.now())
    }
    const { signing: old } = await openKeyRing(line)
    clock.advance(minutes)
    const prepared = (await rotateKeys({ ...line, algorithm: 'RS256', served: 'ES256' }, 'at-once')).key
    for (const passing of [0, 25 * hours]) {
      clock.advance(passing)
      assert.deepEqual([await stateOf(old, 'ES256'), await stateOf(prepared, 'ES256')], ['active', 'next'])
      assert.deepEqual([await stateOf(old, 'RS256'), await stateOf(prepared, 'RS256')], ['retired', 'active'])
    }
    const again = (await rotateKeys({ ...line, algorithm: 'RS256', served: 'ES256' }, 'at-once')).key
    assert.deepEqual([await stateOf(prepared, 'ES256'), await stateOf(again, 'ES256')], ['retired', 'next'])
    await rotateKeys(line, 'at-once')
    assert.deepEqual([await stateOf(old, 'ES256'), await stateOf(again, 'ES256')], ['retired', 'retired'])
  })

  it('of an algorithm that servers have gone back from wait for it again, until the next rotation', async () => {
    await openKeyRing(line)
    clock.advance(minutes)
    await openKeyRing({ ...line, algorithm: 'RS256' })
    assert.deepEqual(await states(), ['active', 'next'])
    const { signing } = await openKeyRing({ ...line, algorithm: 'RS256' })
    assert.equal(signing.algorithm, 'RS256', 'it signs again')
    await rotateKeys(line, 'at-once')
    assert.deepEqual(await states(), ['retired', 'retired', 'active'])
  })

  it('are made once when many rotate at once, and one that waits is taken instead of another', async () => {
    const ring = await openKeyRing(line)
    const first = ring.signing.kid
    const rotations = await Promise.all(Array.from({ length: 10 }, () => rotateKeys(line, 'after-notice')))
    assert.equal(rotations.filter(({ outcome }) => outcome === 'made').length, 1)
    assert.equal(new Set(rotations.map(({ key }) => key.kid)).size, 1)
    assert.equal((await rotateKeys(line, 'after-notice')).outcome, 'waiting')
    assert.deepEqual(await states(), ['active', 'next'])
    const { key } = await rotateKeys(line, 'at-once')
    assert.deepEqual(await states(), ['retired', 'active'])
    assert.equal(key.kid, rotations[0]?.key.kid)
    let changes = 0
    ring.subscribe(() => changes++)
    await ring.refresh()
    await ring.refresh()
    assert.deepEqual([ring.signing.kid, changes], [key.kid, 1])
    assert.ok(ring.has(first))
  })

  it('end at once when they are retired, and never without another that signs', async () => {
    const ring = await openKeyRing(line)
    const stolen = ring.signing.kid
    assert.equal(await retireKey(line, stolen), true)
    assert.equal(await retireKey(line, stolen), false, 'it has ended already')
    assert.equal(await retireKey(line, 'unheard-of'), false)
    assert.deepEqual(await states(), ['gone', 'active'])
    await ring.refresh()
    assert.equal(ring.has(stolen), false)
    assert.equal(ring.publicJwks.keys.length, 1)

    const { key: waiting } = await rotateKeys(line, 'after-notice')
    assert.equal(await retireKey(line, ring.signing.kid), true)
    assert.deepEqual(await states(), ['gone', 'gone', 'active'], 'the one that waited signs now')
    await ring.refresh()
    assert.equal(ring.signing.kid, waiting.kid)
  })

  it('are retired without a new one where another one of the algorithm signs on, and only there', async () => {
    const { signing: old } = await openKeyRing(line)
    await rotateKeys(line, 'at-once')
    assert.equal(await retireKey(line, old.kid), true)
    assert.deepEqual(await states(), ['gone', 'active'], 'no verifier has to learn of another one')

    const other: KeyLine = { ...line, algorithm: 'EdDSA', served: 'ES256' }
    await rotateKeys(other, 'at-once')
    const keys = await store.keys.list('authorization-server')
    const active = keys.find((key) => keyState(key, keys, 'ES256', clock.now()) === 'active')
    assert.equal(await retireKey(line, active?.kid ?? ''), true)
    assert.ok((await states()).includes('active'), 'what waits for its algorithm is no successor')
  })

  it('end at once when they are retired, also where a clock is behind, and it goes on with the next one (A62, A72)', async () => {
    const behind = movableClock()
    behind.advance(-9000)
    const ring = await openKeyRing({ ...line, clock: behind })
    const stolen = ring.signing.kid
    assert.equal(await retireKey(line, stolen), true)
    await ring.refresh()
    assert.equal(ring.has(stolen), false)
    const [newest] = await store.keys.list('authorization-server')
    assert.equal(ring.signing.kid, newest?.kid)
  })

  it('that wait never sign when they are retired', async () => {
    const ring = await openKeyRing(line)
    const { key: waiting } = await rotateKeys(line, 'after-notice')
    assert.equal(await retireKey(line, waiting.kid), true)
    await ring.refresh()
    assert.equal(ring.has(waiting.kid), false)
    assert.deepEqual(await states(), ['retired', 'gone', 'active'])
    clock.advance(26 * hours)
    assert.deepEqual(await states(), ['gone', 'gone', 'active'])
  })

  it('of another algorithm verify on, and end with the next rotation (A62)', async () => {
    const old = await openKeyRing(line)
    const ring = await openKeyRing({ ...line, algorithm: 'EdDSA' })
    assert.equal(ring.signing.algorithm, 'EdDSA')
    assert.ok(ring.has(old.signing.kid))
    await rotateKeys({ ...line, algorithm: 'EdDSA' }, 'at-once')
    clock.advance(26 * hours)
    await ring.refresh()
    assert.deepEqual(ring.algorithms, ['EdDSA'])
    await old.refresh()
    assert.equal(old.signing.algorithm, 'ES256', 'who is still configured for it makes a key of its own')
  })

  it('of servers that sign with another algorithm do not end for one of these (A62)', async () => {
    const served = await openKeyRing(line)
    const other: KeyLine = { ...line, algorithm: 'EdDSA', served: 'ES256' }
    await rotateKeys(other, 'at-once')
    await rotateKeys(other, 'at-once')
    const keys = await store.keys.list('authorization-server')
    assert.deepEqual(
      keys.filter(({ endsAt }) => endsAt === undefined).map(({ algorithm }) => algorithm),
      ['EdDSA', 'ES256'],
    )
    assert.equal(keys.length, 3)
    clock.advance(26 * hours)
    const { kid } = served.signing
    await served.refresh()
    assert.equal(served.signing.kid, kid)
  })

  it('have a successor before they end, also where servers of another algorithm end them (A62)', async () => {
    const ring = await openKeyRing(line)
    const { kid: first } = ring.signing
    await openKeyRing({ ...line, algorithm: 'EdDSA' })
    await rotateKeys({ ...line, algorithm: 'EdDSA' }, 'at-once')
    await Promise.all([ring.refresh(), openKeyRing(line)])
    await ring.refresh()
    assert.equal(ring.signing.kid, first)
    const next = ring.all.filter(({ algorithm, kid }) => algorithm === 'ES256' && kid !== first)
    assert.equal(next.length, 1, 'it is published')
    clock.advance(10 * minutes)
    await ring.refresh()
    assert.deepEqual([ring.signing.kid, ring.has(first)], [next[0]?.kid, true])
    clock.advance(26 * hours)
    await ring.refresh()
    assert.deepEqual([ring.signing.kid, ring.has(first)], [next[0]?.kid, false])
  })
})
