import { endAccess } from '../authorization-server/account/end-access.ts'
import { setUpPath } from '../authorization-server/paths.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { MasterSecret } from '../core/secret.ts'
import { invitations } from '../identity/invitations.ts'
import { type Passwords, passwords } from '../identity/passwords.ts'
import { type People, people } from '../identity/people.ts'
import type { Store } from '../storage/contract.ts'

interface PeopleBase {
  readonly store: Store
  readonly secret: MasterSecret
  readonly clock: Clock
}

/** The hashing of an installation's passwords. */
export function buildPasswords(secret: MasterSecret): Passwords {
  return passwords(secret.derive('passwords'))
}

/** The users of an installation, as the command line and the set-up page manage them. */
export function buildPeople({ store, secret, clock }: PeopleBase, hashing = buildPasswords(secret)): People {
  const { artifacts, users } = store
  return people({
    users,
    passwords: hashing,
    invitations: invitations(artifacts, clock),
    clock,
    endAccess: (accountId) => endAccess({ ...store, clock }, accountId),
  })
}

/**
 * The link for creating the first user of an installation; undefined once there is one, or if none are kept
 * here.
 */
export async function firstUserLink(config: Config, base: PeopleBase): Promise<string | undefined> {
  if (config.login.users !== 'local') return undefined
  const token = await buildPeople(base).inviteFirst()
  return token && setUpLink(config, token)
}

/** The link for accepting an invitation. A bearer secret: only for an operator to see, never for a log. */
export function setUpLink({ publicUrl }: Pick<Config, 'publicUrl'>, token: string): string {
  return publicUrl + setUpPath(token)
}
