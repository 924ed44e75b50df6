import { endAccess } from '../authorization-server/end-access.ts'
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
  const { artifacts, revocations, users } = store
  return people({
    users,
    passwords: hashing,
    invitations: invitations(artifacts, clock),
    clock,
    endAccess: (accountId) => endAccess({ artifacts, revocations, clock }, accountId),
  })
}
