import type { Clock } from '../core/clock.ts'
import { isUserId } from '../core/user-id.ts'
import type { User, UserStore } from '../storage/contract.ts'
import type { Account, Identity, KnownBrowser, LoginForm, LoginRefused } from './contract.ts'
import type { LoginLimits } from './login-limits.ts'
import { fold } from './names.ts'
import { passwordLength } from './password-rules.ts'
import type { Passwords } from './passwords.ts'
import { Busy } from './turns.ts'

interface LocalIdentityPorts {
  readonly users: UserStore
  readonly passwords: Passwords
  readonly limits: LoginLimits
  readonly clock: Clock
}

const seconds = 1000
/**
 * How long an account is locked after each attempt without success. People mistype four times for nothing; guesses end
 * up at twelve an hour. No lock is longer, and it holds for strange browsers alone: an owner whom somebody else's guesses
 * keep out uses a browser that is known, or a passkey.
 */
const lock = [0, 0, 0, 0, 5, 15, 60, 300].map((step) => step * seconds)
/** Attempts of yesterday are no reason to lock today. */
const forgetMs = 24 * 3600 * seconds

/** One text for an unknown user, a wrong password, a locked account and a disabled one, so that nobody learns which. */
const refused =
  'That name and password do not belong together, or there were too many attempts. Try again in a few minutes.'

/** People who are kept in the store. */
export function localIdentity({ users, passwords, limits, clock }: LocalIdentityPorts): Identity {
  /** Guesses of others lock nobody out of the browser in which they signed in before; it has a limit of its own. */
  const claim = (user: User, known: KnownBrowser | undefined): Promise<boolean> =>
    known?.accountId === user.id && known.since >= user.loginsSince
      ? limits.admitKnown(known.id)
      : users.claimAttempt(user.id, { now: clock.now(), lock, forgetMs })

  const attempt = async ({ name, password, known }: LoginForm): Promise<User | LoginRefused> => {
    const user = await users.findByName(fold(name))
    // The statement runs while the hash does, so that it adds nothing to the time that an unknown user takes.
    const [matches, claimed] = await Promise.all([
      passwords.verify(password, user?.passwordHash),
      user === undefined ? false : claim(user, known),
    ])
    if (user === undefined) return { refused, reason: 'no such user' }
    if (!claimed) return { refused, reason: `the account of ${user.id} is locked for a moment` }
    if (!matches) return { refused, reason: `wrong password for ${user.id}` }
    return user.disabledAt === undefined ? user : { refused, reason: `${user.id} is disabled` }
  }

  return {
    async find(id) {
      const user = isUserId(id) ? await users.find(id) : undefined
      return user === undefined || user.disabledAt !== undefined ? undefined : toAccount(user)
    },
    async login(form) {
      const { name, password, address } = form
      if (name.length > passwordLength.most || password.length > 4 * passwordLength.most) return { refused }
      const wait = await limits.admit(address)
      if (wait !== undefined) {
        return tooMany(wait)
      }
      try {
        const user = await attempt(form)
        if ('refused' in user) return user
        await limits.forgive(address)
        await users.forgetFailures(user.id)
        const { id, passwordHash } = user
        if (passwordHash !== undefined && passwords.isWeak(passwordHash)) {
          await users.rehash(id, passwordHash, await passwords.hash(password))
        }
        return toAccount(user)
      } catch (error) {
        if (!(error instanceof Busy)) throw error
        return busy
      }
    },
  }
}

/** The answer where more is asked than can be hashed. */
export const busy: LoginRefused = {
  refused: 'Too many people are signing in at this moment. Please try again.',
  reason: 'too many logins at once',
  retryAfterSeconds: 5,
}

/** The answer where an address, or everybody together, failed too often. */
export function tooMany(retryAfterSeconds: number): LoginRefused {
  return {
    refused: 'There were too many failed logins. Please wait some minutes.',
    reason: 'too many failed logins',
    retryAfterSeconds,
  }
}

/** How the rest of the program sees a user. */
export function toAccount({ id, displayName, loginsSince }: User): Account {
  return { id, displayName, loginsSince }
}
