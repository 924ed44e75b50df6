/** The members of a JWK that hold a secret (RFC 7518 section 6, RFC 8037 section 2). */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** What a public key of each type must have (RFC 7518 section 6, RFC 8037 section 2). */
const members: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'x', 'y'],
  RSA: ['n', 'e'],
  OKP: ['crv', 'x'],
}

/** Says what is wrong with a set of public keys (RFC 7517 section 5), or undefined. The input is untrusted. */
export function publicKeysProblem(jwks: unknown): string | undefined {
  const keys = isObject(jwks) ? jwks['keys'] : undefined
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isObject))
    return 'is not a JWK set: an object whose member keys is a list of at least one key'
  if (keys.some((key) => typeof key['kty'] !== 'string')) return 'has a key without kty'
  if (keys.some((key) => privateMembers.some((member) => member in key)))
    return 'has a private key: leave the private members out'
  for (const key of keys) {
    const lacks = (members[String(key['kty'])] ?? []).find((member) => typeof key[member] !== 'string')
    if (lacks !== undefined) return `has a key without ${lacks}`
  }
  return undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
