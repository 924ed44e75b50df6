import type { IssuerDescription } from '../config/describe-issuer.ts'
import type { Config } from '../config/schema.ts'
import { standardReading } from '../gateway/token/read-claims.ts'
import type { TrustedIssuer } from '../gateway/token/token-verifier.ts'
import { tokenType } from '../gateway/token/verify-jwt.ts'

/** How the gateway reads an issuer's verified tokens. */
export type AcceptedTokens = Pick<
  TrustedIssuer,
  'issuer' | 'audiences' | 'tokenTypes' | 'claims' | 'hasForeignUsers'
>

/** The tokens of the built-in authorization server. */
export function ownTokens(issuer: string): AcceptedTokens {
  return { issuer, tokenTypes: ['at+jwt'], claims: standardReading, hasForeignUsers: false }
}

/**
 * The tokens of another issuer, according to its setting. It may also be a Portcullis, if no users are kept
 * here.
 */
export function tokensOf(
  description: IssuerDescription,
  { authorizationServer }: Pick<Config, 'authorizationServer'>,
): AcceptedTokens {
  const { issuer = '', audiences, tokenTypes, claims, scopeMap, scopes } = description
  return {
    issuer,
    audiences,
    tokenTypes: tokenTypes.map(tokenType),
    claims: { ...claims, scopeMap, granted: scopes },
    hasForeignUsers: authorizationServer === 'own',
  }
}
