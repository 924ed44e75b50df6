import type { Client, Provider } from 'oidc-provider'
import { digestsEqual, type MasterSecret } from '../../core/secret.ts'
import type { OpenRateLimit, RateLimit } from '../../limits/contract.ts'
import { clientSecretHash } from './client-secret-hash.ts'
import { callerAddress, slowDown } from './slow-down.ts'

/** Wrong secrets that are let by: from one address for one client, and for one client altogether. */
const perAddress = { name: 'wrong-secrets-from-address', points: 10, seconds: 60 }
const perClient = { name: 'wrong-secrets-of-client', points: 300, seconds: 600 }

/**
 * Teaches the library to compare secrets with hashes: `client_secret` of every client that it knows is one. Who guesses
 * is slowed down (RFC 6749 section 2.3.1) before the comparison, so that a lucky guess does not show either.
 */
export function compareHashedSecrets(
  provider: Provider,
  { secret, rateLimit }: { readonly secret: MasterSecret; readonly rateLimit: OpenRateLimit },
): void {
  const hash = clientSecretHash(secret)
  const byAddress = rateLimit(perAddress)
  const byClient = rateLimit(perClient)
  provider.Client.prototype.compareClientSecret = async function compareHashed(
    this: Client,
    presented: string,
  ): Promise<boolean> {
    const attempts: [RateLimit, string][] = [
      [byAddress, `${this.clientId} ${callerAddress()}`],
      [byClient, this.clientId],
    ]
    const wait = Math.max(...(await Promise.all(attempts.map(([limit, key]) => limit.wait(key)))))
    if (wait > 0) throw slowDown(429, 'too many wrong secrets', wait)
    const known = this.clientSecret
    if (known !== undefined && digestsEqual(known, hash(this.clientId, presented))) return true
    for (const [limit, key] of attempts) await limit.take(key)
    return false
  }
}
