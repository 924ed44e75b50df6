import type { JWTPayload } from 'jose'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { epochSeconds } from '../../core/clock.ts'
import { isConfirmedBy } from '../../core/dpop.ts'
import { commonScopes, parseScopes } from '../../core/scope.ts'
import { errors, grantHelpers } from '../library/library.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { isRevoked, type OriginClaims, verifyAccessToken } from '../tokens/access-tokens.ts'
import { accessTokenSeconds } from '../tokens/token-lifetimes.ts'
import { type OperatorClient, requireOperatorClient } from './client-checks.ts'
import { describeTarget, issueToken } from './issue-token.ts'

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const tokenTypes: ReadonlySet<unknown> = new Set([accessTokenType, 'urn:ietf:params:oauth:token-type:jwt'])
/** Nobody can follow a longer chain of delegation. */
const maxActors = 5

/**
 * The parameters that the library passes on; a target that is named more than once is passed on to be
 * refused.
 */
export const tokenExchangeParameters = {
  all: [
    'subject_token',
    'subject_token_type',
    'actor_token',
    'actor_token_type',
    'requested_token_type',
    'resource',
    'audience',
    'scope',
  ],
  repeatable: ['resource', 'audience'],
}

/**
 * Exchanges one of our access tokens for another one (RFC 8693):
 * - for a confidential client that the operator gave this grant, which becomes the actor;
 * - never with more scopes, a longer lifetime or another user than the given token, nor beyond the client's
 *   own limits;
 * - for a server other than the given token's only if the operator lists it for the client;
 * - a token that is bound to a key only for the holder of the key (RFC 9449).
 * The new token ends with the given one and with everything that ends that one: the grant that it came from,
 * and the clients that had it before. All input is untrusted.
 */
export function exchangeToken(
  provider: Provider,
  settings: AuthorizationServerSettings,
): (context: KoaContextWithOIDC) => Promise<void> {
  return async (context) => {
    const { client, params = {} } = context.oidc
    const known = requireOperatorClient(client)
    const proof = await grantHelpers.validateDpop(provider, context)
    const requested = params['requested_token_type']
    if (requested !== undefined && !tokenTypes.has(requested))
      throw new errors.InvalidRequest(`requested_token_type must be ${accessTokenType}`)

    const subject = await readToken(settings, params, 'subject_token')
    if (subject === undefined) throw new errors.InvalidRequest('subject_token is missing')
    await checkSubject(settings, subject, known)
    if (!isConfirmedBy(subject['cnf'], proof?.thumbprint))
      throw new errors.InvalidRequest('subject_token is bound to a key that the request does not prove')
    const actor = await readToken(settings, params, 'actor_token')
    // The actor is always the client that exchanges, so that it cannot hide behind a token of somebody else.
    if (actor !== undefined && (actor['client_id'] !== known.id || actor.sub !== known.id))
      throw new errors.InvalidRequest('actor_token is not of the client itself')

    const target = await describeTarget(provider, context, targetOf(settings, params, subject, known))
    const scopes = scopesOf(params['scope'], subject, known)
    const ends = Math.min(subject.exp ?? 0, actor?.exp ?? Number.POSITIVE_INFINITY)
    const left = ends - epochSeconds(settings.clock)
    if (left <= 0) throw new errors.InvalidRequest('subject_token has expired')
    const lifetimeSeconds = accessTokenSeconds(settings, client)
    await issueToken(provider, context, target, {
      subject: String(subject.sub),
      scopes,
      ...(left > lifetimeSeconds ? { lifetimeSeconds } : { lifetimeSeconds: left, expiresAt: ends }),
      claims: { act: actorsOf(subject, known.id), origins: originsOf(subject), ...beginningOf(subject) },
      issuedTokenType: accessTokenType,
    })
  }
}

/** Throws InvalidRequest for a token that is of another kind, invalid or revoked (RFC 8693 section 2.2.2). */
async function readToken(
  settings: AuthorizationServerSettings,
  params: Readonly<Record<string, unknown>>,
  name: 'subject_token' | 'actor_token',
): Promise<JWTPayload | undefined> {
  const token = params[name]
  const type = params[`${name}_type`]
  if (token === undefined && type === undefined) return undefined
  if (token === undefined) throw new errors.InvalidRequest(`${name} is missing`)
  if (!tokenTypes.has(type)) throw new errors.InvalidRequest(`${name}_type must be ${accessTokenType}`)
  const payload = typeof token === 'string' ? await verifyAccessToken(settings, token) : undefined
  if (payload === undefined || (await isRevoked(settings, payload)))
    throw new errors.InvalidRequest(`${name} is not valid`)
  return payload
}

/** A user must still exist, and a machine's token can be exchanged only by the machine itself. */
async function checkSubject(
  { identity, grants }: AuthorizationServerSettings,
  { sub = '', client_id: clientId }: JWTPayload,
  known: OperatorClient,
): Promise<void> {
  const isMachine = sub === clientId
  if (isMachine && sub !== known.id)
    throw new errors.InvalidRequest('subject_token is of another client, with no user')
  const isElsewhere = grants.assertionIssuers.some(({ subjectPrefix }) => sub.startsWith(subjectPrefix))
  if (!isMachine && !isElsewhere && (await identity.find(sub)) === undefined)
    throw new errors.InvalidRequest('the user of subject_token is not known any more')
}

/**
 * Throws InvalidTarget for a server that neither the token nor the operator makes available to the client.
 */
function targetOf(
  { resources }: AuthorizationServerSettings,
  params: Readonly<Record<string, unknown>>,
  subject: JWTPayload,
  { upstreams }: OperatorClient,
): string {
  const named = [params['resource'] ?? [], params['audience'] ?? []].flat().map((value) => {
    const text = typeof value === 'string' ? value : ''
    const resource = resources.find(text) ?? resources.all.find(({ name }) => name === text)
    if (resource === undefined) throw new errors.InvalidTarget('this resource is not protected here')
    return resource
  })
  const [target, ...others] = new Set(named)
  if (others.length > 0) throw new errors.InvalidTarget('name one resource')
  const own = [subject.aud ?? []].flat()
  if (target === undefined || own.includes(target.resource)) return target?.resource ?? String(own[0])
  if (upstreams?.includes(target.name) !== true)
    throw new errors.InvalidTarget('the client may not exchange tokens for this resource')
  return target.resource
}

/** Throws InvalidScope for scopes that the token or the client does not have. */
function scopesOf(requested: unknown, subject: JWTPayload, { scopes: ceiling }: OperatorClient): string[] {
  const available = commonScopes([parseScopes(subject['scope']), ...(ceiling === undefined ? [] : [ceiling])])
  const asked = requested === undefined ? available : parseScopes(requested)
  const scopes = commonScopes([available, asked])
  const refused = asked.find((scope) => !scopes.includes(scope))
  if (refused !== undefined || scopes.length === 0)
    throw new errors.InvalidScope(
      'the token and the client do not both allow what is asked for',
      refused ?? '',
    )
  return scopes
}

interface Actor {
  readonly sub: string
  readonly act?: Actor
}

/** The newest actor is outermost (RFC 8693 section 4.1). */
function actorsOf({ act }: JWTPayload, sub: string): Actor {
  const before = act as Actor | undefined
  let length = 1
  for (let actor = before; actor !== undefined; actor = actor.act) length++
  if (length > maxActors) throw new errors.InvalidRequest('subject_token has been handed on too often')
  return before === undefined ? { sub } : { sub, act: before }
}

/**
 * The `jti` of the given token and of those that it was exchanged for; revoking any of them ends the new one.
 */
function originsOf({ origins = [], jti }: OriginClaims): string[] {
  return [...origins, ...(jti === undefined ? [] : [jti])]
}

/** The grant or the assertion that it all began with. */
function beginningOf({ gid, assertion }: OriginClaims): Pick<OriginClaims, 'gid' | 'assertion'> {
  return {
    ...(gid === undefined ? {} : { gid }),
    ...(assertion === undefined ? {} : { assertion }),
  }
}
