import { createPublicKey, type KeyObject, type SignKeyObjectInput, sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { SigningKey } from '../../keys/key-ring.ts'
import { ExternalSigningKey } from '../library/library.ts'

const signInPool = promisify(sign)
/** The signature format of JWS (RFC 7518 section 3.4). */
const dsaEncoding = 'ieee-p1363'

/**
 * A key with which the library signs without ever holding it. An elliptic-curve signature takes about as long
 * as waking a thread for it, so it is made in place; an RSA signature takes seven times as long, so other
 * work goes on meanwhile.
 */
class ExternalKey extends ExternalSigningKey {
  readonly #key: SigningKey
  readonly #how: SignKeyObjectInput

  constructor(key: SigningKey) {
    super()
    this.#key = key
    this.#how = { key: key.key, dsaEncoding }
  }

  override get kid(): string {
    return this.#key.kid
  }

  override get alg(): string {
    return this.#key.algorithm
  }

  override keyObject(): KeyObject {
    return createPublicKey(this.#key.key)
  }

  override async sign(data: Uint8Array): Promise<Uint8Array> {
    const { algorithm } = this.#key
    if (algorithm === 'RS256') return signInPool('sha256', data, this.#how)
    return sign(algorithm === 'EdDSA' ? null : 'sha256', data, this.#how)
  }
}

/** The keys of an authorization server in the form that the library takes, in the same order. */
export function externalKeys(keys: readonly SigningKey[]): readonly ExternalKey[] {
  return keys.map((key) => new ExternalKey(key))
}
