import type { Clock } from '../core/clock.ts'
import { isPrintable } from '../core/printable.ts'
import { isUserId } from '../core/user-id.ts'
import type { User, UserStore } from '../storage/user-contract.ts'
import { toAccount } from './account.ts'
import { unlessBusy } from './busy.ts'
import type { Identity, LoginRefused } from './contract.ts'
import type { LoginLimits } from './login-limits.ts'
import { fold } from './names.ts'
import { passwordLength } from './password-rules.ts'
import type { Passwords } from './passwords.ts'

interface LocalIdentityPorts {
  readonly users: UserStore
  readonly passwords: Passwords
  readonly limits: LoginLimits
  readonly clock: Clock
}

const seconds = 1000
/**
 * How long an account is locked after each failed attempt. Users can mistype four times without a delay;
 * guessing ends up at twelve attempts an hour. No lock is longer, and it only applies to unknown browsers: an
 * owner who is locked out by somebody else's guesses uses a known browser or a passkey.
 */
const lock = [0, 0, 0, 0, 5, 15, 60, 300].map((step) => step * seconds)
/** Yesterday's attempts are no reason to lock today. */
const forgetMs = 24 * 3600 * seconds

/**
 * The same text for an unknown user, a wrong password, a locked account and a disabled one, so that nobody
 * learns which.
 */
const refused = 'The name or password is not right. Check both; after several attempts, wait a few minutes.'

/** Users who are kept in the store. */
export function localIdentity({ users, passwords, limits, clock }: LocalIdentityPorts): Identity {
  /** Resolves to the user with this password, or to why it is wrong or not checked. */
  const check = async (
    user: User | undefined,
    password: string,
    isKnown: boolean,
  ): Promise<User | string> => {
    const claim = (id: string): Promise<boolean> =>
      isKnown ? Promise.resolve(true) : users.claimAttempt(id, { now: clock.now(), lock, forgetMs })
    // The statement runs concurrently with the hash, so that it adds nothing to the time that an unknown user
    // takes.
    const [matches, claimed] = await Promise.all([
      passwords.verify(password, user?.passwordHash),
      user !== undefined && claim(user.id),
    ])
    if (user === undefined) return 'no such user'
    if (!claimed) return `the account of ${user.id} is locked for a moment`
    if (!matches) return `wrong password for ${user.id}`
    return user.disabledAt === undefined ? user : `${user.id} is disabled`
  }

  const strengthen = async ({ id, passwordHash }: User, password: string): Promise<void> => {
    if (passwordHash === undefined || !passwords.isWeak(passwordHash)) return
    await users.rehash(id, passwordHash, await passwords.hash(password))
  }

  return {
    async find(id) {
      const user = isUserId(id) ? await users.find(id) : undefined
      return user === undefined || user.disabledAt !== undefined || user.provider !== undefined
        ? undefined
        : toAccount(user)
    },
    async login({ name, password, address, known }) {
      if (name.length > passwordLength.most || password.length > 4 * passwordLength.most) return { refused }
      const key = fold(name)
      const user = isPrintable(key) ? await users.findByName(key) : undefined
      // Guesses by others lock nobody out of a browser in which they have signed in before: it has a separate
      // limit.
      const isKnown = user !== undefined && known?.accountId === user.id && known.since >= user.loginsSince
      const wait = isKnown ? await limits.admitKnown(known.id) : await limits.admit(address)
      if (wait !== undefined) return tooMany(wait)
      return unlessBusy(async () => {
        const found = await check(user, password, isKnown)
        if (typeof found === 'string') return { refused, reason: found }
        // While it was being hashed, the password may have changed or the user been disabled.
        const admitted = await users.forgetFailures(found.id, found.passwordHash)
        if (admitted === undefined) return { refused, reason: `${found.id} changed during the login` }
        await (isKnown ? limits.forgiveKnown(known.id) : limits.forgive(address))
        await strengthen(admitted, password)
        return toAccount(admitted)
      })
    },
    confirm: async () => 'current',
  }
}

/** The answer if an address, a browser, or all together, failed too often. */
function tooMany(retryAfterSeconds: number): LoginRefused {
  return {
    refused: 'Too many sign-ins have failed. Please wait a few minutes.',
    reason: 'too many failed logins',
    retryAfterSeconds,
  }
}
