import type { Account } from 'oidc-provider'
import type { AuthorizationServerSettings } from '../settings.ts'

/** What access tokens say of a user beside who it is (RFC 9068 section 2.2.3.1). */
export interface GroupsAndRoles {
  readonly groups?: readonly string[]
  readonly roles?: readonly string[]
}

/** The account with this id as the library wants it, if it may be used. */
export async function findAccount(
  { identity }: Pick<AuthorizationServerSettings, 'identity'>,
  id: string,
): Promise<(Account & GroupsAndRoles) | undefined> {
  const account = await identity.find(id)
  return (
    account && {
      accountId: account.id,
      claims: async () => ({ sub: account.id, name: account.displayName }),
      ...groupsAndRoles(account),
    }
  )
}

/** Groups and roles of a user, as far as there are any. */
export function groupsAndRoles(account: object | undefined): GroupsAndRoles {
  const { groups = [], roles = [] } = (account ?? {}) as GroupsAndRoles
  return { ...(groups.length === 0 ? {} : { groups }), ...(roles.length === 0 ? {} : { roles }) }
}
