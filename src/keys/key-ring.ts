import { createPrivateKey, type KeyObject } from 'node:crypto'
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose'
import type { Clock } from '../core/clock.ts'
import { typeableId } from '../core/secret.ts'
import { withoutUndefined } from '../core/without-undefined.ts'
import type { KeyStore, NewKey, StoredKey } from '../storage/key-contract.ts'
import {
  isPublished,
  type KeyPurpose,
  newestKey,
  propagationMilliseconds,
  type SigningAlgorithm,
  signingKey,
} from './key-states.ts'

/** A private key in use. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly key: KeyObject
}

/** The keys of one purpose at one time: one signs, all verify. */
interface KeySet {
  readonly signing: SigningKey
  /** All of them, the signing one first. */
  readonly all: readonly SigningKey[]
  /** The public JWK Set (RFC 7517 section 5). */
  readonly publicJwks: { readonly keys: readonly JWK[] }
  readonly algorithms: readonly string[]
  /** Finds the public key for one of our tokens. */
  readonly resolve: JWTVerifyGetKey
  /** Whether a key verifies. */
  readonly has: (kid: string) => boolean
}

/** The keys of one purpose, as they currently are: reading them again may give another result. */
export interface KeyRing extends KeySet {
  /** Checks whether keys were added, began to sign or ended, here or in another process. */
  refresh(): Promise<void>
  /** Calls back after a change, before `refresh` resolves. Returns a function that ends the subscription. */
  subscribe(listener: () => void): () => void
}

/** Where the keys of a purpose are, and the algorithm that is configured for them. */
export interface KeyRingOptions {
  readonly store: KeyStore
  readonly purpose: KeyPurpose
  readonly algorithm: SigningAlgorithm
  readonly clock: Clock
}

/**
 * Opens the keys of a purpose. The first start creates a key; replicas that start concurrently agree on one.
 */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const listeners = new Set<() => void>()
  let published = await publishedKeys(options)
  let current = toKeySet(published)
  return {
    get signing() {
      return current.signing
    },
    get all() {
      return current.all
    },
    get publicJwks() {
      return current.publicJwks
    },
    get algorithms() {
      return current.algorithms
    },
    resolve: (header, token) => current.resolve(header, token),
    has: (kid) => current.has(kid),
    async refresh() {
      const found = await publishedKeys(options)
      if (kidsOf(found) === kidsOf(published)) return
      current = toKeySet(found)
      published = found
      for (const listener of listeners) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/**
 * All public keys of a purpose that are still stored, even ended ones, as a JWK Set; the first of them is
 * created if necessary.
 */
export async function everyPublicKey(options: KeyRingOptions): Promise<{ readonly keys: readonly JWK[] }> {
  await openKeyRing(options)
  return { keys: (await options.store.list(options.purpose)).map(toPublicJwk) }
}

/** Creates a new key. */
export async function createKey({
  purpose,
  algorithm,
  clock,
}: Omit<KeyRingOptions, 'store'>): Promise<NewKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const privateJwk = await exportJWK(privateKey)
  const kid = typeableId(await calculateJwkThumbprint(privateJwk))
  return { purpose, kid, algorithm, privateJwk: { ...privateJwk }, createdAt: clock.now() }
}

/**
 * The keys, and a next one if all keys of this algorithm have an end. A rotation to another algorithm ends
 * them even while this process still signs with one: every verifier must know its successor before that.
 */
async function withSuccessor(
  keys: readonly StoredKey[],
  options: KeyRingOptions,
): Promise<readonly StoredKey[]> {
  const { store, purpose, algorithm, clock } = options
  const now = clock.now()
  const last = newestKey(keys, algorithm)
  const goesOn = keys.some((key) => key.algorithm === algorithm && key.endsAt === undefined)
  if (last === undefined || goesOn || signingKey(keys, algorithm, now) === undefined) return keys
  const place = { generation: last.generation + 1, signsFrom: now + propagationMilliseconds }
  await store.add(await createKey(options), place)
  return store.list(purpose)
}

/** The published keys, the signing one first. Creates a key if none can sign, or none would after this one. */
async function publishedKeys(options: KeyRingOptions): Promise<readonly StoredKey[]> {
  const { store, purpose, algorithm, clock } = options
  const now = clock.now()
  const keys = await withSuccessor(await store.list(purpose), options)
  const signing = signingKey(keys, algorithm, now) ?? (await store.addFirst(await createKey(options)))
  return [signing, ...keys.filter((key) => key.kid !== signing.kid && isPublished(key, now))]
}

function kidsOf(keys: readonly StoredKey[]): string {
  return keys.map(({ kid }) => kid).join(' ')
}

function toKeySet(published: readonly StoredKey[]): KeySet {
  const all = published.map(toSigningKey)
  const [signing] = all
  if (signing === undefined) throw new Error('there is no signing key')
  const keys = published.map(toPublicJwk)
  const kids = new Set(published.map(({ kid }) => kid))
  return {
    signing,
    all,
    publicJwks: { keys },
    algorithms: [...new Set(published.map(({ algorithm }) => algorithm))],
    resolve: createLocalJWKSet({ keys }),
    has: (kid) => kids.has(kid),
  }
}

function toSigningKey({ kid, algorithm, privateJwk }: StoredKey): SigningKey {
  const key = createPrivateKey({ key: privateJwk, format: 'jwk' })
  return { kid, algorithm: algorithm as SigningAlgorithm, key }
}

/** Copies public members by name, so that a new private member could never slip through. */
function toPublicJwk({ kid, algorithm: alg, privateJwk }: StoredKey): JWK {
  const { kty, crv, x, y, n, e } = privateJwk as JWK
  return withoutUndefined({ kty, crv, x, y, n, e, kid, alg, use: 'sig' })
}
