import type { Provider } from 'oidc-provider'
import { grantName } from '../../core/secret.ts'
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
 * access. Resolves to the claims that say so. Throws InvalidGrant for who is kept out.
 */
export async function grantVouched(
  provider: Provider,
  { grants: { findVouched } }: AuthorizationServerSettings,
  { issuer, subject, clientId, resource, scopes, lifetimeSeconds }: Vouched,
): Promise<{ readonly gid?: string }> {
  const user = await findVouched(issuer, subject)
  if (user === undefined) return {}
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
  return { gid: grantName(id) }
}

function keptOut(): Error {
  return new errors.InvalidGrant('the user is kept out here')
}
