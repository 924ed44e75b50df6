import type { User } from '../storage/user-contract.ts'

/**
 * The state of a user, for operators: `invited` has yet to choose a password, which never applies to users
 * who sign in elsewhere.
 */
export type UserState = 'active' | 'invited' | 'disabled'

/** Tells the state of a user. */
export function userState({
  disabledAt,
  provider,
  passwordHash,
}: Pick<User, 'disabledAt' | 'provider' | 'passwordHash'>): UserState {
  if (disabledAt !== undefined) return 'disabled'
  return provider === undefined && passwordHash === undefined ? 'invited' : 'active'
}

/** Where a user signs in: the name of a provider in the configuration, or `here`. */
export function signsInAt({ provider }: Pick<User, 'provider'>): string {
  return provider ?? 'here'
}
