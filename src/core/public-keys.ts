import { createPublicKey } from 'node:crypto'
import { isJsonObject, type JsonObject } from './json-object.ts'

/** The algorithms with which clients may sign their assertions (RFC 7518, RFC 8037, RFC 9864). */
export const assertionAlgorithms = ['ES256', 'RS256', 'PS256', 'Ed25519', 'EdDSA'] as const

/** Both names of the algorithm of Ed25519 keys: the new one and the old one (RFC 9864 section 2.2). */
const ed25519Names = ['Ed25519', 'EdDSA']

/** The algorithms, each under all of its names. */
export function underAllNames(algorithms: readonly string[]): readonly string[] {
  return algorithms.flatMap((name) => (ed25519Names.includes(name) ? ed25519Names : [name]))
}

/**
 * A set of public keys, in which none says by which name of its algorithm it is used: to the library, a
 * signature under the other name would be of another algorithm. The set is untrusted.
 */
export function withoutNames(jwks: unknown): unknown {
  if (!isJsonObject(jwks) || !Array.isArray(jwks['keys'])) return jwks
  const keys = jwks['keys'].map((key: unknown) => {
    if (!isJsonObject(key) || key['kty'] !== 'OKP') return key
    const { alg, ...others } = key
    return ed25519Names.some((name) => name === alg) ? others : key
  })
  return { ...jwks, keys }
}

/** The secret members of a JWK (RFC 7518 section 6, RFC 8037 section 2). */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** The members that a public key of each type must have (RFC 7518 section 6, RFC 8037 section 2). */
const publicMembers: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['EC', ['crv', 'x', 'y']],
  ['RSA', ['n', 'e']],
  ['OKP', ['crv', 'x']],
])

const fewestRsaBits = 2048

/**
 * What is wrong with a set of public keys (RFC 7517 section 5), or undefined. A client all of whose keys are
 * unusable could never authenticate. The input is untrusted.
 */
export function publicKeysProblem(jwks: unknown): string | undefined {
  const keys = isJsonObject(jwks) ? jwks['keys'] : undefined
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isJsonObject))
    return 'is not a JWK set: an object whose member keys is a list of at least one key'
  if (keys.some((key) => typeof key['kty'] !== 'string')) return 'has a key without kty'
  if (keys.some((key) => privateMembers.some((member) => member in key)))
    return 'has a private key: leave the private members out'
  for (const key of keys) {
    const lacks = publicMembers.get(key['kty'])?.find((member) => typeof key[member] !== 'string')
    if (lacks !== undefined) return `has a key without ${lacks}`
  }
  return keys.some(canVerify)
    ? undefined
    : 'has no key that an assertion can be verified with: on P-256 (ES256), of RSA with 2048 bits or more (RS256, PS256), or Ed25519'
}

/** Whether a key can verify assertions of one of the algorithms (RFC 7518 section 3). */
function canVerify(key: JsonObject): boolean {
  const { use = 'sig', alg } = key
  const isForOthers = alg !== undefined && !assertionAlgorithms.some((algorithm) => algorithm === alg)
  if (use !== 'sig' || isForOthers) return false
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPublicKey({
      key,
      format: 'jwk',
    })
    if (type === 'rsa') return (details?.modulusLength ?? 0) >= fewestRsaBits
    return type === 'ed25519' || (type === 'ec' && details?.namedCurve === 'prime256v1')
  } catch {
    return false // no such type, or not a point on its curve
  }
}
