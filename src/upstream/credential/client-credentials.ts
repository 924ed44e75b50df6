import type { Clock } from '../../core/clock.ts'
import type { UpstreamCredential } from '../contract.ts'
import { cachedTokens } from './cached-tokens.ts'
import type { TokenClient } from './token-client.ts'

/** What a token is requested for. */
export interface TokenTarget {
  readonly scope?: string | undefined
  /** RFC 8707. */
  readonly resource?: string | undefined
  readonly audience?: string | undefined
}

/** A token for the gateway itself, the same for every caller (OAuth 2.1 section 4.2). */
export function clientCredentials(
  client: TokenClient,
  { scope, resource, audience }: TokenTarget,
  clock: Clock,
): UpstreamCredential {
  const tokens = cachedTokens(clock)
  const everybody = ''
  const fetch = (): ReturnType<TokenClient['request']> =>
    client.request({ grant_type: 'client_credentials', scope, resource, audience })
  return {
    headers: () => tokens.find(everybody, fetch),
    refused: (_principal, headers) => tokens.drop(everybody, headers),
    close: () => client.close(),
  }
}
