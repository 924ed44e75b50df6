import type { Clock } from '../core/clock.ts'
import { clockDifferenceMilliseconds } from '../core/revocation.ts'
import type { User } from '../storage/user-contract.ts'
import type { Account } from './contract.ts'

/** A user in the form that the rest of the program uses. */
export function toAccount({ id, displayName, loginsSince }: User): Account {
  return { id, displayName, loginsSince }
}

/**
 * The time before which logins end. It is a little ahead, since a process whose clock is ahead may have
 * recorded a login. Logins have a precision of whole seconds, so the end must be later than the second that
 * the last one may have.
 */
export function endOfLogins({ loginsSince }: User, clock: Clock): number {
  return Math.max(clock.now() + clockDifferenceMilliseconds, loginsSince + 1000)
}
