import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { SigningKey } from '../keys/key-ring.ts'
import { ExternalSigningKey } from './library.ts'

const signInPool = promisify(sign)
/** As JWS has it (RFC 7518 section 3.4). */
const dsaEncoding = 'ieee-p1363'

/**
 * A key with which the library signs without ever holding it. It signs beside the event loop: whatever else came in the same
 * turn goes on meanwhile, and their answers leave together.
 */
class HeldKey extends ExternalSigningKey {
  readonly #key: SigningKey

  constructor(key: SigningKey) {
    super()
    this.#key = key
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

  override sign(data: Uint8Array): Promise<Uint8Array> {
    const { algorithm, key } = this.#key
    const isRsa = algorithm === 'RS256'
    return signInPool(algorithm === 'EdDSA' ? null : 'sha256', data, isRsa ? key : { key, dsaEncoding })
  }
}

/** The keys of an authorization server as the library takes them, in the same order. */
export function heldKeys(keys: readonly SigningKey[]): readonly HeldKey[] {
  return keys.map((key) => new HeldKey(key))
}
