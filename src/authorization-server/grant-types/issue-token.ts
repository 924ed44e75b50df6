import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { errors, grantHelpers } from '../library/library.ts'

/** An access token to be issued for a subject who is not present. */
interface Issue {
  readonly subject: string
  readonly scopes: readonly string[]
  readonly lifetimeSeconds: number
  /** When it ends, if not so long after it is signed: seconds since the epoch. */
  readonly expiresAt?: number | undefined
  /** Additional claims of the token. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** The member of the answer (RFC 8693 section 2.2.1). */
  readonly issuedTokenType?: string
}

/**
 * Describes the one resource that the request is about, for this client. Throws InvalidTarget, and the errors
 * of the resource's description.
 */
export async function describeTarget(
  provider: Provider,
  context: KoaContextWithOIDC,
  resource: string,
): Promise<InstanceType<Provider['ResourceServer']>> {
  if (context.oidc.params !== undefined) context.oidc.params['resource'] = resource
  const [target] = await grantHelpers.resolveRequestedResources(provider, context)
  if (target === undefined) throw new errors.InvalidTarget('this resource is not protected here')
  return target
}

/**
 * Issues an access token without a refresh token, bound to the key of the request's DPoP proof if it has one,
 * and answers with it. Throws InvalidGrant for a proof that is missing or was used before.
 */
export async function issueToken(
  provider: Provider,
  context: KoaContextWithOIDC,
  target: InstanceType<Provider['ResourceServer']>,
  { subject, scopes, lifetimeSeconds, expiresAt, claims, issuedTokenType }: Issue,
): Promise<void> {
  const { client, params } = context.oidc
  if (client === undefined) throw new errors.InvalidClient('client is missing')
  const proof = await grantHelpers.validateDpop(provider, context)
  grantHelpers.checkDpopRequired(provider, context, proof)
  await grantHelpers.checkDpopReplay(provider, context, proof, client.clientId)
  const token = new provider.AccessToken({
    accountId: subject,
    client,
    gty: String(params?.['grant_type']),
    scope: scopes.join(' '),
    expiresIn: lifetimeSeconds,
    exp: expiresAt,
    extra: claims,
    resourceServer: target,
  } as never)
  if (proof !== undefined) token.setThumbprint('jkt', proof.thumbprint)
  context.oidc.entity('AccessToken', token)
  context.status = 200
  context.body = {
    access_token: await token.save(),
    ...(issuedTokenType === undefined ? {} : { issued_token_type: issuedTokenType }),
    token_type: proof === undefined ? 'Bearer' : 'DPoP',
    expires_in: lifetimeSeconds,
    scope: scopes.join(' '),
  }
}
