import { isDeepStrictEqual } from 'node:util'
import { decodeJwt, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { isConfirmedBy } from '../../core/dpop.ts'
import { reasonOf } from '../../core/reason-of.ts'
import { commonScopes, parseScopes } from '../../core/scope.ts'
import { isUsableSubject } from '../../core/subject.ts'
import { areKeysAbsent } from '../../issuer/keys-absent.ts'
import { seenOnceModel } from '../../storage/artifact-contract.ts'
import { errors, grantHelpers } from '../library/library.ts'
import type { AssertionIssuer, AuthorizationServerSettings } from '../settings.ts'
import { accessTokenSeconds } from '../tokens/token-lifetimes.ts'
import { requireOperatorClient } from './client-checks.ts'
import { describeTarget, issueToken } from './issue-token.ts'
import { grantVouched } from './vouched-user.ts'

/**
 * The name in metadata of the only accepted kind of assertion (MCP extension
 * enterprise-managed-authorization).
 */
export const identityAssertionProfile = 'urn:ietf:params:oauth:grant-profile:id-jag'

/** The parameters that the library passes on. */
export const jwtBearerParameters = ['assertion', 'scope', 'resource']

const assertionType = 'oauth-id-jag+jwt'
const maxAgeSeconds = 600
const clockToleranceSeconds = 30

/** The claims of a verified assertion. */
interface Assertion {
  readonly sub: string
  readonly jti: string
  readonly exp: number
  readonly resource: unknown
  readonly scope: unknown
  /** The key that it is bound to. */
  readonly cnf: unknown
}

/**
 * Issues an access token for an identity assertion (ID-JAG), with which a company's identity provider says
 * that one of its users may use a client with a server:
 * - from a configured identity provider, and its configured tenant, signed with one of its keys, at most ten
 *   minutes old, and only for us;
 * - for the very client that presents it, which is confidential and registered by the operator;
 * - if it is bound to a key, only with a proof of that key;
 * - once: of several requests with one assertion, one gets a token;
 * - for the scopes that assertion, request and client have in common, and without a refresh token;
 * - not for a user of the same provider who would not be let in here.
 * An invalid assertion always gives InvalidGrant. All input is untrusted.
 */
export function redeemAssertion(
  provider: Provider,
  settings: AuthorizationServerSettings,
): (context: KoaContextWithOIDC) => Promise<void> {
  return async (context) => {
    const { client, params = {} } = context.oidc
    const known = requireOperatorClient(client)
    // Before the assertion is used up, since a client without a proof or the right nonce sends its request again.
    const proof = await grantHelpers.validateDpop(provider, context)
    grantHelpers.checkDpopRequired(provider, context, proof)
    const issuer = issuerOf(settings, params['assertion'])
    const assertion = await verifyAssertion(String(params['assertion']), issuer, settings, known.id)
    if (!isConfirmedBy(assertion.cnf, proof?.thumbprint))
      throw refused('the assertion is bound to a key that the request does not prove')
    const subject = issuer.subjectPrefix + assertion.sub
    if (settings.clients.some(({ id }) => id === subject)) throw refused('the subject is a client')

    const target = targetOf(settings, assertion.resource, params['resource'])
    const described = await describeTarget(provider, context, target)

    const requested = params['scope']
    const scopes = commonScopes([
      parseScopes(assertion.scope).filter((scope) => settings.scopes.knows(scope)),
      ...(requested === undefined ? [] : [parseScopes(requested)]),
      ...(known.scopes === undefined ? [] : [known.scopes]),
    ])
    if (scopes.length === 0)
      throw new errors.InvalidScope('assertion, request and client have no scope in common', '')

    const isFirst = await settings.artifacts.insertOnce({
      model: seenOnceModel,
      id: `id-jag\0${issuer.issuer}\0${assertion.jti}`,
      payload: {},
      expiresAt: assertion.exp * 1000,
    })
    if (!isFirst) throw refused('the assertion was used before')
    const lifetimeSeconds = accessTokenSeconds(settings, client)
    const claims = await grantVouched(provider, settings, {
      issuer: issuer.issuer,
      subject: assertion.sub,
      clientId: known.id,
      resource: target,
      scopes,
      lifetimeSeconds,
    })
    await issueToken(provider, context, described, { subject, scopes, lifetimeSeconds, claims })
  }
}

/**
 * The resource that the token is for: the only one of the assertion, which may list several
 * (draft-ietf-oauth-identity-assertion-authz-grant section 3), or the one of them that the request names.
 * Throws InvalidGrant and InvalidTarget.
 */
function targetOf({ resources }: AuthorizationServerSettings, claimed: unknown, asked: unknown): string {
  const targets = new Set(
    [claimed].flat().map((one) => (typeof one === 'string' ? resources.find(one)?.resource : undefined)),
  )
  if (targets.size === 0 || targets.has(undefined)) throw refused('the assertion is for no resource of ours')
  const [target, ...others] = [...targets].filter((one) => asked === undefined || one === asked)
  if (target === undefined) throw new errors.InvalidTarget('the assertion is for another resource')
  if (others.length > 0) throw new errors.InvalidTarget('name one resource')
  return target
}

function issuerOf({ grants }: AuthorizationServerSettings, assertion: unknown): AssertionIssuer {
  if (typeof assertion !== 'string') throw new errors.InvalidRequest('assertion is missing')
  const issuer = grants.assertionIssuers.find((trusted) => trusted.issuer === claimedIssuer(assertion))
  if (issuer === undefined) throw refused('the assertion is from an unknown issuer')
  return issuer
}

function claimedIssuer(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).iss
  } catch (cause) {
    throw refused('the assertion is no JWT', cause)
  }
}

async function verifyAssertion(
  assertion: string,
  { issuer, keys, algorithms, tenant }: AssertionIssuer,
  { site, clock }: AuthorizationServerSettings,
  clientId: string,
): Promise<Assertion> {
  const payload = await verifySignature(assertion, keys, {
    issuer,
    algorithms: [...algorithms],
    typ: assertionType,
    requiredClaims: ['sub', 'aud', 'client_id', 'jti', 'exp', 'iat'],
    maxTokenAge: maxAgeSeconds,
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(clock.now()),
  })
  const { aud, sub, jti, exp = 0, iat = 0 } = payload
  // An assertion that is also valid elsewhere is not accepted either: it could be taken from there and used
  // here.
  if (!isDeepStrictEqual([aud].flat(), [site.url]))
    throw refused('the assertion is not for this server alone')
  // Each tenant of a provider may have an alice, so subjects are only compared within one.
  if (payload['tenant'] !== tenant) throw refused(`the assertion is of ${tenantOf(payload)}`)
  if (payload['client_id'] !== clientId) throw refused('the assertion is for another client')
  if (typeof sub !== 'string' || typeof jti !== 'string' || jti === '')
    throw refused('the assertion lacks a claim')
  if (!isUsableSubject(sub)) throw refused('the subject cannot be used')
  if (exp - iat > maxAgeSeconds) throw refused('the assertion lives too long')
  return { sub, jti, exp, resource: payload['resource'], scope: payload['scope'], cnf: payload['cnf'] }
}

function tenantOf({ tenant }: JWTPayload): string {
  return tenant === undefined
    ? 'no tenant, and grants.identityAssertions[].tenant names one'
    : `the tenant ${JSON.stringify(tenant)}, which grants.identityAssertions[].tenant does not name`
}

async function verifySignature(
  assertion: string,
  keys: AssertionIssuer['keys'],
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(assertion, keys, options)).payload
  } catch (error) {
    if (areKeysAbsent(error))
      throw new errors.TemporarilyUnavailable(
        'the keys of the identity provider cannot be had',
        reasonOf(error),
      )
    throw refused('the assertion is not valid', error)
  }
}

/** The reason is for the log; the client only learns that the grant is invalid. */
function refused(detail: string, cause?: unknown): Error {
  return new errors.InvalidGrant(cause instanceof Error ? `${detail}: ${cause.message}` : detail)
}
