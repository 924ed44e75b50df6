import { keyedDigest, type MasterSecret } from '../../core/secret.ts'

/**
 * Hashes client secrets. Generated ones have 256 random bits, which cannot be searched however fast the hash
 * is; a slow hash would only let strangers waste our time at the token endpoint. The key, derived from the
 * master secret, protects the shorter ones in a configuration file, and the client's id makes equal secrets
 * differ.
 */
export function clientSecretHash(secret: MasterSecret): (clientId: string, clientSecret: string) => string {
  const digest = keyedDigest(secret.derive('client-secret'))
  return (clientId, clientSecret) => digest(`${clientId}\0${clientSecret}`)
}
