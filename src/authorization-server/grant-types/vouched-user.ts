import type { Provider } from 'oidc-provider'
import type { AssertionClaim } from '../../core/revocation.ts'
import { grantName, vouchedName } from '../../core/secret.ts'
import { errors } from '../library.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

/** What a company's identity provider lets one of its users have. */
interface Vouched {
  /** Whom an assertion is about, as its provider names them. */
  readonly issuer: string
  readonly subject: string
  readonly clientId: string
  readonly resource: string
  readonly scopes: readonly string[]
  readonly lifetimeSeconds: number
}

/**
 * Where somebody who signs in here as well is meant, notes the token as a grant of theirs, so that it ends with their
 * access. Of everybody else it notes the name, in case they sign in here while it is good. Resolves to the claims that say
 * so, and who got the token: a client that is blocked at this moment has no good one, whatever is found of it. Throws InvalidGrant for who is kept out.
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
  // Who keeps the user out at this moment has either found this grant, or is noticed here.
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
