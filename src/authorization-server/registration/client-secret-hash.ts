import { keyedDigest, type MasterSecret } from '../../core/secret.ts'

/**
 * Hashes client secrets. The ones that are made here have 256 random bits, which no search finds however fast the
 * hash; a slow hash would only let strangers burn our time at the token endpoint. The key, derived from the master
 * secret, protects the shorter ones of a configuration file, and the client's id keeps equal secrets apart.
 */
export function clientSecretHash(secret: MasterSecret): (clientId: string, clientSecret: string) => string {
  const digest = keyedDigest(secret.derive('client-secret'))
  return (clientId, clientSecret) => digest(`${clientId}\0${clientSecret}`)
}
