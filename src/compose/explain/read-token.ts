import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { Refusal } from '../../core/errors.ts'
import type { Principal } from '../../core/principal.ts'
import { ScopeSet } from '../../core/scope.ts'
import { ScopeCatalogue } from '../../core/scope-catalogue.ts'
import { needsProof } from '../../gateway/token/authenticate.ts'
import { introspectToken } from '../../gateway/token/introspect-token.ts'
import { readScopes } from '../../gateway/token/read-claims.ts'
import { toPrincipal } from '../../gateway/token/to-principal.ts'
import { invalidToken } from '../../gateway/token/token-refusals.ts'
import { checkAudience, isExpired, issuerFinder } from '../../gateway/token/token-verifier.ts'
import { checkUnverified } from '../../gateway/token/verify-jwt.ts'
import type { UpstreamPolicy } from '../../gateway/upstream.ts'
import type { Sample, TokenReading } from './contract.ts'
import { findClaims } from './find-claims.ts'
import { type KnownIssuer, knownIssuers } from './known-issuers.ts'
import { mendToken, type TokenContext } from './mend-token.ts'

/** Reads a sample as the gateway reads a token, but without signature, revocation and proof. */
export async function readToken(
  sample: Sample,
  config: Config,
  {
    upstream,
    clock,
    within,
  }: { readonly upstream: UpstreamPolicy; readonly clock: Clock; readonly within: string },
): Promise<TokenReading> {
  const issuers = knownIssuers(config, within)
  const { claims } = sample
  let issuer: KnownIssuer
  try {
    issuer = issuerFinder(issuers)(claims.iss)
  } catch (error) {
    const refused = refusedBy(error, { issuers, issuer: undefined, sample })
    return { issuedBy: undefined, principal: undefined, claims: [], unknownScopes: [], refused, assumed: [] }
  }
  const { principal, error } = await identify(sample, issuer, { upstream, clock })
  return {
    issuedBy: issuer.path,
    principal,
    claims: findClaims(claims, issuer),
    unknownScopes: unknownScopes(sample, issuer, config),
    refused: error === undefined ? undefined : refusedBy(error, { issuers, issuer, sample }),
    assumed: assumptions(sample, issuer, principal),
  }
}

/** The caller, as far as the token says so, and the first objection that the gateway would have. */
async function identify(
  { claims, header }: Sample,
  issuer: KnownIssuer,
  { upstream, clock }: { readonly upstream: UpstreamPolicy; readonly clock: Clock },
): Promise<Pick<TokenReading, 'principal'> & { readonly error?: unknown }> {
  let principal: Principal | undefined
  try {
    if (issuer.introspection === undefined) {
      if (header?.alg !== undefined && issuer.algorithms?.includes(header.alg) === false)
        throw invalidToken('token has a forbidden algorithm')
      checkUnverified(claims, header, issuer, clock)
      principal = toPrincipal(claims, issuer)
    } else {
      const { active, ...said } = claims
      const ask = () => Promise.resolve(active === false ? undefined : said)
      principal = await introspectToken('', issuer, { ...issuer.introspection, ask }, clock)
    }
    if (isExpired(principal, clock)) throw invalidToken('token expired')
    checkAudience(principal, issuer.audiences, upstream.resource)
    checkBinding(principal, upstream)
    return { principal }
  } catch (error) {
    return { principal: principal ?? attempt(() => toPrincipal(claims, issuer)), error }
  }
}

function attempt(make: () => Principal): Principal | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

/** If a proof could be sent, it is assumed to be valid. */
function checkBinding(principal: Principal, upstream: UpstreamPolicy): void {
  const isProvable = principal.keyThumbprint !== undefined && upstream.dpop !== 'off'
  if (needsProof(principal, upstream) && !isProvable) throw invalidToken('token comes without a proof')
}

function unknownScopes({ claims }: Sample, issuer: KnownIssuer, config: Config): string[] {
  const catalogue = new ScopeCatalogue(config.scopes)
  const isKnown = (scope: string): boolean =>
    catalogue.knows(scope) || catalogue.leaves.some((leaf) => new ScopeSet([scope]).covers(leaf))
  return readScopes(claims, issuer.claims).filter((scope) => !isKnown(scope))
}

function assumptions(
  { header }: Sample,
  issuer: KnownIssuer,
  principal: Principal | undefined,
): readonly string[] {
  const { introspection, tokenTypes } = issuer
  return [
    introspection === undefined
      ? 'the signature is good, and the token is not revoked'
      : 'the claims are what the issuer says when it is asked',
    ...(introspection === undefined && header === undefined
      ? [`its header has the typ ${tokenTypes[0]} and an algorithm that counts`]
      : []),
    ...(principal?.keyThumbprint === undefined ? [] : ['the client sends a proof of its key with it (DPoP)']),
  ]
}

function refusedBy(error: unknown, context: Omit<TokenContext, 'refusal'>): TokenReading['refused'] {
  if (!(error instanceof Refusal)) throw error
  const { specifics } = error.detail
  const why = specifics === undefined ? error.reason : `${error.reason}: ${specifics}`
  return {
    answer: { status: error.status, error: error.code, why },
    mend: mendToken({ ...context, refusal: error }),
  }
}
