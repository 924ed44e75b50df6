import type { Clock } from '../core/clock.ts'
import { clockDifferenceMilliseconds } from '../core/revocation.ts'
import type { User } from '../storage/user-contract.ts'
import type { Account } from './contract.ts'

/** A user in the form that the rest of the program uses. */
export function toAccount({ id, displayName, loginsSince }: User): Account {
  return { id, displayName, loginsSince }
}

/**
 * The `loginsSince` that ends all logins of a user. It lies a little in the future, since the clock of the
 * process that recorded a login may be ahead, and a second or more after the previous one, since a login that
 * follows that one at once is recorded for the next whole second.
 */
export function endOfLogins({ loginsSince }: User, clock: Clock): number {
  return Math.max(clock.now() + clockDifferenceMilliseconds, loginsSince + 1000)
}
