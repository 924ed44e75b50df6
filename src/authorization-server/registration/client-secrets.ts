import type { Client, Provider } from 'oidc-provider'
import { digestsEqual, type MasterSecret } from '../../core/secret.ts'
import type { OpenRateLimit, RateLimit } from '../../limits/contract.ts'
import { callerNetwork } from '../caller-address.ts'
import type { KnownClient } from '../settings.ts'
import { clientSecretHash } from './client-secret-hash.ts'
import { slowDown } from './slow-down.ts'

/**
 * Wrong secrets that are let by: from one address for one client, and altogether for one client whose secret a person
 * chose. Secrets that are made here have 256 bits, which nobody guesses, from however many addresses: a bound to all
 * attempts would let strangers shut the client out, and protect nothing.
 */
const perAddress = { name: 'wrong-secrets-from-address', points: 10, seconds: 60 }
const perClient = { name: 'wrong-secrets-of-client', points: 300, seconds: 600 }

/**
 * Teaches the library to compare secrets with hashes: `client_secret` of every client that it knows is one. Who guesses
 * is slowed down (RFC 6749 section 2.3.1) before the comparison, so that a lucky guess does not show either.
 */
export function compareHashedSecrets(
  provider: Provider,
  {
    secret,
    rateLimit,
    clients,
  }: {
    readonly secret: MasterSecret
    readonly rateLimit: OpenRateLimit
    /** Those of the configuration, the only ones with secrets that were not made here. */
    readonly clients: readonly Pick<KnownClient, 'id'>[]
  },
): void {
  const configured = new Set(clients.map(({ id }) => id))
  const hash = clientSecretHash(secret)
  const byAddress = rateLimit(perAddress)
  const byClient = rateLimit(perClient)
  provider.Client.prototype.compareClientSecret = async function compareHashed(
    this: Client,
    presented: string,
  ): Promise<boolean> {
    const attempts: [RateLimit, string][] = [[byAddress, `${this.clientId} ${callerNetwork()}`]]
    if (configured.has(this.clientId)) attempts.push([byClient, this.clientId])
    const wait = Math.max(...(await Promise.all(attempts.map(([limit, key]) => limit.wait(key)))))
    if (wait > 0) throw slowDown(429, 'too many wrong secrets', wait)
    const known = this.clientSecret
    if (known !== undefined && digestsEqual(known, hash(this.clientId, presented))) return true
    for (const [limit, key] of attempts) await limit.take(key)
    return false
  }
}
