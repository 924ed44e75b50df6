import type { Config, UpstreamConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import type { ProtectedResource } from '../../core/protected-resource.ts'
import { openPolicies } from '../policies.ts'
import { protectedResources, upstreamPolicy } from '../upstream-policy.ts'
import type { AskedCall, Explanation, Sample, TokenReading } from './contract.ts'
import { unanswered } from './find-claims.ts'
import { judgeCall } from './judge-call.ts'
import { readToken } from './read-token.ts'

interface Question {
  /** The name of a server in the configuration. */
  readonly server: string
  readonly call: AskedCall
  readonly sample: Sample
  /** The position of the configuration in a larger one: `tenants[0].`, or nothing. */
  readonly within?: string
}

/**
 * Explains what the gateway would decide about a call with a token, and why, using the same functions as the
 * gateway. Contacts nobody and verifies nothing.
 */
export async function explain(
  config: Config,
  { server, call, sample, within = '' }: Question,
  clock: Clock,
): Promise<Explanation> {
  const index = config.upstreams.findIndex(({ name }) => name === server)
  const setting = config.upstreams[index] as UpstreamConfig
  const resource = protectedResources(config, config.publicUrl)[index] as ProtectedResource
  const upstream = upstreamPolicy(resource, setting, openPolicies(config, clock))
  const token = await readToken(sample, config, { upstream, clock, within })
  const verdict =
    token.principal &&
    (await judgeCall(token.principal, call, { path: `${within}upstreams[${index}]`, setting, upstream }))
  const { answer } = token.refused ?? verdict ?? {}
  const decision = token.refused === undefined && verdict !== undefined ? verdict.decision : 'deny'
  const isShort = verdict?.decision === 'challenge'
  return {
    server: { name: upstream.name, resource: upstream.resource },
    call,
    token,
    decision,
    answer,
    verdict,
    mend: [...(token.refused?.mend ?? []), ...(verdict?.mend ?? []), ...(isShort ? scopesLost(token) : [])],
  }
}

/** Scopes that concern the login, and never mean anything here (OpenID Connect Core, section 5.4). */
const ofOpenId = new Set(['openid', 'profile', 'email', 'address', 'phone', 'offline_access'])

/** Why a token may have more scopes than were seen. */
function scopesLost({ issuedBy, claims, unknownScopes }: TokenReading): string[] {
  if (issuedBy === undefined || !issuedBy.includes('issuers[')) return []
  const none = unanswered(claims).filter(({ attribute }) => attribute === 'scopes')
  const similar = none.find((use) => use.similar !== undefined)?.similar
  const meant = unknownScopes.filter((scope) => !ofOpenId.has(scope))
  return [
    ...(none.length === 0
      ? []
      : [
          `the token says nothing of scopes in ${none.map(({ claim }) => claim).join(', ')}: name the claim that does${similar === undefined ? '' : `, such as ${similar},`} in ${issuedBy}.claims.scopes`,
        ]),
    ...(meant.length === 0 ? [] : [`say in ${issuedBy}.scopeMap what these stand for: ${meant.join(' ')}`]),
  ]
}
