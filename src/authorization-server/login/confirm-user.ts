import type { KoaContextWithOIDC } from 'oidc-provider'
import { errors } from '../library/library.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { grants } from '../tokens/grants.ts'
import { findAccount } from './find-account.ts'

/**
 * Before a client gets new tokens, asks whoever vouches for its user whether they still do. A refusal ends
 * the grant, and no answer for too long does not count as confirmation. The tokens say what is known of the user
 * after that. Throws InvalidGrant and TemporarilyUnavailable.
 */
export async function confirmUser(
  settings: AuthorizationServerSettings,
  { oidc }: KoaContextWithOIDC,
): Promise<void> {
  const { accountId, grantId } = oidc.entities.RefreshToken ?? {}
  if (accountId === undefined) return
  const confirmation = await settings.identity.confirm(accountId)
  if (confirmation === 'current') return
  const account = confirmation === 'renewed' ? await findAccount(settings, accountId) : undefined
  // The library has found the account before, with the groups and roles of the last answer.
  if (account !== undefined) return oidc.entity('Account', account)
  if (confirmation === 'unknown') throw unavailable('the identity provider of the user does not answer')
  if (grantId !== undefined) await grants(settings).revoke(grantId)
  throw new errors.InvalidGrant('the identity provider no longer vouches for the user')
}

/**
 * The library treats it as an error of the request. The refresh token has not been used, and works again
 * later.
 */
function unavailable(description: string): Error {
  return Object.assign(new errors.TemporarilyUnavailable(description), { status: 503, statusCode: 503 })
}
