import type { Client, Provider as LibraryProvider } from 'oidc-provider'
import { digestsEqual, type MasterSecret } from '../../core/secret.ts'
import type { OpenRateLimit, RateLimit } from '../../limits/contract.ts'
import { callerNetwork } from '../caller-address.ts'
import { Provider } from '../library/library.ts'
import { basicCredentials } from '../requests/basic-credentials.ts'
import { slowDown } from '../requests/slow-down.ts'
import type { KnownClient } from '../settings.ts'
import { clientSecretHash } from './client-secret-hash.ts'

/**
 * How many wrong secrets are tolerated: from one address for one client and, if a person chose the client's
 * secret, in total for that client. Generated secrets have 256 bits, which nobody guesses from any number of
 * addresses: a limit on all attempts would only let strangers lock the client out.
 */
const perAddress = { name: 'wrong-secrets-from-address', points: 10, seconds: 60 }
const perClient = { name: 'wrong-secrets-of-client', points: 300, seconds: 600 }

/**
 * Makes the library compare secrets with hashes, since the `client_secret` of every client that it knows is
 * one. Guessing is slowed down (RFC 6749 section 2.3.1) before the comparison, so that not even a lucky guess
 * shows. Many programs, such as curl and the MCP SDK, do not encode the secret in a Basic header, where `+`
 * would mean a space; so it may also be the text that was sent.
 */
export function compareHashedSecrets(
  provider: LibraryProvider,
  {
    secret,
    rateLimit,
    clients,
  }: {
    readonly secret: MasterSecret
    readonly rateLimit: OpenRateLimit
    /** Those in the configuration, the only ones whose secrets were not generated here. */
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
    const sent = basicCredentials(Provider.ctx?.headers.authorization)?.secret ?? presented
    const isRight = (text: string): boolean =>
      known !== undefined && digestsEqual(known, hash(this.clientId, text))
    if (isRight(presented) || isRight(sent)) return true
    for (const [limit, key] of attempts) await limit.take(key)
    return false
  }
}
