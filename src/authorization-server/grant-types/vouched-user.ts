import type { Provider } from 'oidc-provider'
import type { AssertionClaim } from '../../core/revocation.ts'
import { grantName, vouchedName } from '../../core/secret.ts'
import { errors } from '../library/library.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

/** What a company's identity provider lets one of its users have. */
interface Vouched {
  /** The user that an assertion is about, as named by its provider. */
  readonly issuer: string
  readonly subject: string
  readonly clientId: string
  readonly resource: string
  readonly scopes: readonly string[]
  readonly lifetimeSeconds: number
}

/**
 * If the user also signs in here, records the token as a grant of theirs, so that it ends with their access.
 * For any other user, records the name, in case they sign in here while the token is valid. Resolves to the
 * claims that say so and name the client: a client that is being blocked at this moment ends up without a
 * valid token, whichever record is found. Throws InvalidGrant for a user who is not let in.
 */
export async function grantVouched(
  provider: Provider,
  { grants: { findVouched } }: AuthorizationServerSettings,
  { issuer, subject, clientId, resource, scopes, lifetimeSeconds }: Vouched,
): Promise<{ readonly gid?: string; readonly assertion: AssertionClaim }> {
  const user = await findVouched(issuer, subject)
  if (user === undefined) return { assertion: { client: clientId, user: vouchedName(issuer, subject) } }
  if (user.disabledAt !== undefined) throw keptOut()
  const grant = new provider.Grant({
    accountId: user.id,
    clientId,
    expiresIn: lifetimeSeconds,
  } as never)
  grant.addResourceScope(resource, scopes.join(' '))
  const id = await grant.save()
  // Whoever is blocking the user at this moment has either found this grant, or is noticed here.
  const now = await findVouched(issuer, subject)
  if (now === undefined || now.disabledAt !== undefined) {
    await grant.destroy()
    throw keptOut()
  }
  return { gid: grantName(id), assertion: { client: clientId } }
}

function keptOut(): Error {
  return new errors.InvalidGrant('the user is kept out here')
}
