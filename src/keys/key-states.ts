import { longestTokenSeconds, publishedKeysSeconds } from '../core/lifetimes.ts'
import type { StoredKey } from '../storage/key-contract.ts'

/** The signature algorithms to choose from. */
export const signingAlgorithms = ['ES256', 'RS256', 'EdDSA'] as const

/** A signature algorithm that Portcullis signs with (RFC 7518, RFC 8037). */
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/** What keys sign; keys of different purposes never verify each other's tokens. */
export type KeyPurpose = 'authorization-server' | 'gateway-identity' | 'audit'

/**
 * The purposes of keys that sign tokens: access tokens, and the identity tokens of the gateway. The algorithm of
 * the latter is fixed, since every MCP server has to know it.
 */
export function tokenKeyPurposes(
  signingAlgorithm: SigningAlgorithm,
): readonly [PurposeOfKeys<'authorization-server'>, PurposeOfKeys<'gateway-identity'>] {
  return [
    { purpose: 'authorization-server', algorithm: signingAlgorithm },
    { purpose: 'gateway-identity', algorithm: 'ES256' },
  ]
}

/**
 * The keys that sign the audit (Ed25519). What they signed is verified for years, so they are never removed.
 */
export const auditKeys: PurposeOfKeys<'audit'> = { purpose: 'audit', algorithm: 'EdDSA' }

interface PurposeOfKeys<Purpose extends KeyPurpose> {
  readonly purpose: Purpose
  readonly algorithm: SigningAlgorithm
}

/**
 * The role of a key at a given time: `next` is published and is to sign when its time, or that of its algorithm,
 * has come; `active` signs, `retired` still verifies what it signed, and `gone` does nothing.
 */
export type KeyState = 'next' | 'active' | 'retired' | 'gone'

/** How long a key is published before it signs: by then every verifier has fetched the keys again. */
export const propagationMilliseconds = 2 * publishedKeysSeconds * 1000

/** How long a key verifies after it has last signed. */
export const graceMilliseconds = (longestTokenSeconds + 3600) * 1000

/** Whether a key is published, which it is until it ends. */
export function isPublished({ endsAt }: StoredKey, now: number): boolean {
  return endsAt === undefined || endsAt > now
}

/**
 * The signing key: the newest of its algorithm whose time has come. States follow from the times in the
 * store, so that all processes switch over at once without being told.
 */
export function signingKey(
  keys: readonly StoredKey[],
  algorithm: SigningAlgorithm,
  now: number,
): StoredKey | undefined {
  return newestKey(
    keys.filter((key) => key.signsFrom <= now && isPublished(key, now)),
    algorithm,
  )
}

/** The newest key of an algorithm, whatever its state. */
export function newestKey(keys: readonly StoredKey[], algorithm: SigningAlgorithm): StoredKey | undefined {
  return keys
    .filter((key) => key.algorithm === algorithm)
    .toSorted((one, other) => other.generation - one.generation)[0]
}

/** The state of a key among those of its purpose; `algorithm` is the configured one. */
export function keyState(
  key: StoredKey,
  keys: readonly StoredKey[],
  algorithm: SigningAlgorithm,
  now: number,
): KeyState {
  if (!isPublished(key, now)) return 'gone'
  if (key.signsFrom > now) return 'next'
  const signing = signingKey(keys, algorithm, now)
  if (signing?.kid === key.kid) return 'active'
  return signing !== undefined && isPrepared(key, signing) ? 'next' : 'retired'
}

/**
 * Whether a key waits until servers start with its algorithm. The keys of an earlier one are older, unless
 * servers have gone back to it: then those of the later one wait again.
 */
function isPrepared(key: StoredKey, signing: StoredKey): boolean {
  return key.algorithm !== signing.algorithm && key.endsAt === undefined && key.signsFrom > signing.signsFrom
}
