import { endAccess } from '../authorization-server/end-access.ts'
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

/** The link on which the first user of an installation is made; undefined once there is one, or where none are kept. */
export async function firstUserLink(config: Config, base: PeopleBase): Promise<string | undefined> {
  if (config.login.users !== 'local') return undefined
  const token = await buildPeople(base).inviteFirst()
  return token && setUpLink(config, token)
}

/** Where an invitation is accepted. A bearer secret: for the operator's eyes, never for a log. */
export function setUpLink({ publicUrl }: Pick<Config, 'publicUrl'>, token: string): string {
  return publicUrl + setUpPath(token)
}
