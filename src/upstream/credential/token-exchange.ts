import type { Clock } from '../../core/clock.ts'
import { tokenExchangeGrant } from '../../core/grant-types.ts'
import type { Principal } from '../../core/principal.ts'
import type { UpstreamCredential } from '../contract.ts'
import { cachedTokens } from './cached-tokens.ts'
import type { TokenTarget } from './client-credentials.ts'
import type { GivenToken, TokenClient } from './token-client.ts'

interface TokenExchangeOptions {
  readonly client: TokenClient
  readonly target: TokenTarget
  /**
   * The gateway's own statement of who the caller is, as a JWT for the token server. Never the client's
   * token.
   */
  readonly subjectToken: (principal: Principal) => Promise<string>
  readonly clock: Clock
}

/**
 * A token for each principal, exchanged for the gateway's statement of who that is (RFC 8693 section 2.1).
 */
export function tokenExchange({
  client,
  target,
  subjectToken,
  clock,
}: TokenExchangeOptions): UpstreamCredential {
  const { scope, resource, audience } = target
  const tokens = cachedTokens(clock)
  const fetch = async (principal: Principal): Promise<GivenToken> =>
    client.request({
      grant_type: tokenExchangeGrant,
      subject_token: await subjectToken(principal),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope,
      resource,
      audience,
    })
  return {
    headers: (principal) => tokens.find(keyOf(principal), () => fetch(principal)),
    refused: (principal, headers) => tokens.drop(keyOf(principal), headers),
    close: () => client.close(),
  }
}

/**
 * Everything that the statement says about a principal, so that a different one never gets the same token.
 */
function keyOf({ issuer, subject, clientId, actor, scopes, groups, roles }: Principal): string {
  return JSON.stringify([issuer, subject, clientId, actor, scopes.list, groups.toSorted(), roles.toSorted()])
}
