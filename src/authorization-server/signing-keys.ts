import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { SigningKey } from '../keys/key-ring.ts'
import { ExternalSigningKey } from './library.ts'

const signInPool = promisify(sign)

/**
 * A key with which the library signs without ever holding it. A signature on a curve takes less time than it takes to
 * hand it to another thread and back; one of RSA takes longer than others should wait.
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

  override sign(data: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const { algorithm, key } = this.#key
    if (algorithm === 'RS256') return signInPool('sha256', data, key)
    if (algorithm === 'EdDSA') return sign(null, data, key)
    return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
  }
}

/** The keys of an authorization server as the library takes them, in the same order. */
export function heldKeys(keys: readonly SigningKey[]): readonly HeldKey[] {
  return keys.map((key) => new HeldKey(key))
}
