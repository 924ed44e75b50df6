import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose'
import type { Clock } from '../core/clock.ts'
import type { KeyTableStore, StoredKey } from '../storage/contract.ts'

/** A signature algorithm that Portcullis signs with (RFC 7518, RFC 8037). */
type SigningAlgorithm = 'ES256' | 'RS256' | 'EdDSA'

/** The key that signs now. */
interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly key: CryptoKey
}

/** The keys of one purpose: one signs, all verify. */
export interface KeyRing {
  readonly signing: SigningKey
  /** With private members; the signing key first. Never leaves the process. */
  readonly privateJwks: readonly JWK[]
  /** The public JWK Set (RFC 7517 section 5). */
  readonly publicJwks: { readonly keys: readonly JWK[] }
  readonly algorithms: readonly string[]
  /** Finds the public key for a token of ours. */
  readonly resolve: JWTVerifyGetKey
}

interface KeyRingOptions {
  readonly store: KeyTableStore
  /** What the keys sign; keys of different purposes never verify each other's tokens. */
  readonly purpose: 'authorization-server' | 'gateway-identity'
  readonly algorithm: SigningAlgorithm
  readonly clock: Clock
}

/** Opens the keys of a purpose. The first start makes a key; many replicas that start at once agree on one. */
export async function openKeyRing({ store, purpose, algorithm, clock }: KeyRingOptions): Promise<KeyRing> {
  const known = (await store.list(purpose)).find((key) => key.algorithm === algorithm)
  const current = known ?? (await store.addFirst(await createKey(purpose, algorithm, clock)))
  const others = (await store.list(purpose)).filter(({ kid }) => kid !== current.kid)
  const privateJwks = [current, ...others].map(describe)
  const keys = privateJwks.map(publicPart)
  return {
    signing: {
      kid: current.kid,
      algorithm,
      key: (await importJWK(current.privateJwk as JWK, algorithm)) as CryptoKey,
    },
    privateJwks,
    publicJwks: { keys },
    algorithms: [...new Set([current, ...others].map((key) => key.algorithm))],
    resolve: createLocalJWKSet({ keys }),
  }
}

async function createKey(
  purpose: KeyRingOptions['purpose'],
  algorithm: SigningAlgorithm,
  clock: Clock,
): Promise<StoredKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const privateJwk = await exportJWK(privateKey)
  const kid = await calculateJwkThumbprint(privateJwk)
  return { purpose, kid, algorithm, privateJwk: { ...privateJwk }, createdAt: clock.now() }
}

function describe({ kid, algorithm, privateJwk }: StoredKey): JWK {
  return { ...(privateJwk as JWK), kid, alg: algorithm, use: 'sig' }
}

/** Copies by name what is public, so that a new private member could never slip through. */
function publicPart({ kty, crv, x, y, n, e, kid, alg, use }: JWK): JWK {
  const members = { kty, crv, x, y, n, e, kid, alg, use }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JWK
}
