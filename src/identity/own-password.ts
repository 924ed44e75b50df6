import type { Clock } from '../core/clock.ts'
import type { PasskeyStore } from '../storage/passkey-contract.ts'
import type { UserStore } from '../storage/user-contract.ts'
import { endOfLogins, toAccount } from './account.ts'
import { unlessBusy } from './busy.ts'
import type { Identity, LoginRefused } from './contract.ts'
import type { OwnPassword, PasswordChange } from './own-password-contract.ts'
import { passwordProblem } from './password-rules.ts'
import type { Passwords } from './passwords.ts'

interface OwnPasswordPorts {
  readonly users: UserStore
  readonly passkeys: PasskeyStore
  readonly passwords: Passwords
  /** Checks the current password, with the limits of every login. */
  readonly identity: Identity
  readonly clock: Clock
  /** Ends the sessions of an account. */
  readonly endSessions: (accountId: string) => Promise<void>
  /** Ends the sessions, grants and tokens of an account. */
  readonly endAccess: (accountId: string) => Promise<void>
}

/** Changing one's own password, over the store. */
export function ownPassword(ports: OwnPasswordPorts): OwnPassword {
  const { users, passkeys, passwords, identity, clock, endSessions, endAccess } = ports

  const prove = async (name: string, change: PasswordChange): Promise<LoginRefused | undefined> => {
    const { current, address, known } = change
    if (current === undefined) return undefined
    const answer = await identity.login({ name, password: current, address, known })
    if (!('refused' in answer)) return undefined
    return answer.retryAfterSeconds === undefined ? { ...answer, refused: wrongPassword } : answer
  }

  return {
    nameOf: async ({ id }) => (await users.find(id))?.name,
    async change(account, change) {
      const { password, endsAll } = change
      const user = await users.find(account.id)
      if (user === undefined) return { refused: wrongPassword, reason: 'no such user' }
      if (user.loginsSince !== account.loginsSince) return overtaken
      const problem = passwordProblem(password, user.name)
      if (problem !== undefined) return { refused: problem }
      const refusal = await prove(user.name, change)
      if (refusal !== undefined) return refusal
      const hash = await unlessBusy(() => passwords.hash(password))
      if (typeof hash !== 'string') return hash
      // A concurrent change of this password, or of who may log in, takes precedence over this one.
      const loginsSince = endOfLogins(user, clock)
      if (!(await users.replacePassword(user.id, user.loginsSince, hash, loginsSince))) return overtaken
      if (endsAll) await passkeys.removeAll(user.id)
      await (endsAll ? endAccess : endSessions)(user.id)
      return toAccount({ ...user, loginsSince })
    },
  }
}

const wrongPassword =
  'The current password is not right. Check it; after several attempts, wait a few minutes.'

const overtaken: LoginRefused = {
  refused: 'Your account was changed just now. Sign in again.',
  reason: 'the account was changed meanwhile',
}
