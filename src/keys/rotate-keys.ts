import { clockDifferenceMilliseconds } from '../core/revocation.ts'
import type { StoredKey } from '../storage/key-contract.ts'
import { createKey, type KeyRingOptions } from './key-ring.ts'
import {
  graceMilliseconds,
  isPublished,
  newestKey,
  propagationMilliseconds,
  type SigningAlgorithm,
} from './key-states.ts'

/** The keys of one purpose, as they are rotated. */
export interface KeyLine extends KeyRingOptions {
  /** The algorithm with which running servers sign, if it may be another one. */
  readonly served?: SigningAlgorithm | undefined
}

/** The result of a rotation: a new key, or one from an earlier rotation that is still waiting. */
interface Rotation {
  readonly outcome: 'made' | 'waiting'
  readonly key: StoredKey
}

/** When a new key begins to sign: after every verifier has had time to fetch it, or now. */
type Beginning = 'after-notice' | 'at-once'

/**
 * Creates the next key, which is published at once. If it is to sign `at-once` and one is already waiting,
 * that one is used instead. All other keys end when nothing that they signed can still be valid, except for
 * those with which running servers continue to sign, using another algorithm. Of several concurrent
 * rotations, one creates a key.
 */
export async function rotateKeys(line: KeyLine, beginning: Beginning): Promise<Rotation> {
  const { store, purpose, algorithm, clock, served = algorithm } = line
  const known = newestKey(await store.list(purpose), algorithm)
  const now = clock.now()
  const signsFrom = beginning === 'at-once' ? now : now + propagationMilliseconds
  const waits = known !== undefined && known.signsFrom > now && isPublished(known, now)
  if (waits && beginning === 'at-once') await store.advance(purpose, known.kid, now)
  const place = { generation: (known?.generation ?? 0) + 1, signsFrom }
  const isMade = !waits && (await store.add(await createKey({ purpose, algorithm, clock }), place))

  const keys = await store.list(purpose)
  const key = newestKey(keys, algorithm)
  if (key === undefined) throw new Error('a signing key was stored and is not there')
  const ending = keys.filter(
    (other) => other.kid !== key.kid && (served === algorithm || other.algorithm === algorithm),
  )
  const kids = ending.map(({ kid }) => kid)
  await store.end(purpose, kids, Math.max(key.signsFrom, now) + graceMilliseconds)
  return { outcome: isMade ? 'made' : 'waiting', key }
}

/**
 * Ends a key at once: what it signed is no longer valid. If no other key could take over, another one signs
 * from now on. Returns false if the key is unknown or has ended.
 */
export async function retireKey(line: KeyLine, kid: string): Promise<boolean> {
  const { store, purpose, algorithm, clock } = line
  const keys = await store.list(purpose)
  const now = clock.now()
  const ending = keys.find((key) => key.kid === kid && isPublished(key, now))
  if (ending === undefined) return false
  const goesOn = keys.some(
    (key) =>
      key.kid !== kid && key.algorithm === algorithm && key.signsFrom <= now && key.endsAt === undefined,
  )
  // A process whose clock is behind must consider it ended as well.
  const end = async (): Promise<boolean> =>
    (await store.end(purpose, [kid], clock.now() - clockDifferenceMilliseconds)) === 1
  // A key that is still waiting must not begin to sign just because there is no other.
  if (ending.signsFrom > now) {
    const ended = await end()
    await rotateKeys(line, 'at-once')
    return ended
  }
  if (!goesOn) await rotateKeys(line, 'at-once')
  return end()
}
