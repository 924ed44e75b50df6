import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** Signs lines of the trail (Ed25519), with a separate key that signs nothing else. */
export interface TrailSigner {
  readonly kid: string
  readonly key: KeyObject
}

/** The public keys by id. */
export type TrailKeys = ReadonlyMap<string, KeyObject>

/** Keeps a signature of the trail from being mistaken for a signature of anything else. */
const domain = 'portcullis-audit-v1\n'

/**
 * Signs a line, a JSON object that names the key in `kid`, and appends the signature as its last member,
 * `sig`.
 */
export function signLine(line: string, key: KeyObject): string {
  const signature = sign(null, Buffer.from(domain + line), key).toString('base64url')
  return `${line.slice(0, -1)},"sig":"${signature}"}`
}

/** Whether a line ends with the signature of a key over everything before it. The line is untrusted. */
export function isSigned(line: string, key: KeyObject): boolean {
  const [ending, signature] = /,"sig":"([\w-]+)"\}$/.exec(line) ?? []
  if (ending === undefined || signature === undefined) return false
  const signed = Buffer.from(`${domain}${line.slice(0, -ending.length)}}`)
  return verify(null, signed, key, Buffer.from(signature, 'base64url'))
}

/** Reads a JWK Set (RFC 7517) of Ed25519 keys. Throws a TypeError for anything else. */
export function readTrailKeys(jwks: unknown): TrailKeys {
  const { keys } = (jwks ?? {}) as { keys?: unknown }
  if (!Array.isArray(keys)) throw new TypeError('must be a JWK Set: { "keys": [ … ] }')
  return new Map(
    keys.map((jwk: { kty?: string; crv?: string; x?: string; kid?: unknown }) => {
      if (jwk?.crv !== 'Ed25519' || typeof jwk.kid !== 'string')
        throw new TypeError('must hold Ed25519 keys, each with its kid')
      const { kty, crv, x = '' } = jwk
      return [jwk.kid, createPublicKey({ key: { kty: kty ?? '', crv, x }, format: 'jwk' })]
    }),
  )
}
