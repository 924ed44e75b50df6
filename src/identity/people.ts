import type { Clock } from '../core/clock.ts'
import { randomToken } from '../core/secret.ts'
import { isUserId, userIdPrefix } from '../core/user-id.ts'
import type { User, UserStore } from '../storage/user-contract.ts'
import { endOfLogins, toAccount } from './account.ts'
import { unlessBusy } from './busy.ts'
import type { Invitations } from './invitations.ts'
import { fold, nameProblem } from './names.ts'
import { passwordProblem } from './password-rules.ts'
import type { Passwords } from './passwords.ts'
import type { SetUp } from './set-up-contract.ts'

/** A change to a user is not possible; the message says why and is for whoever requested it. */
export class PersonRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PersonRefused'
  }
}

/** Who may log in here, and how that changes. Names are compared without regard to case. */
export interface People extends SetUp {
  list(): Promise<readonly User[]>
  /** Throws PersonRefused for a name that is taken or invalid, and for a weak password. */
  add(person: { name: string; displayName?: string | undefined; password: string }): Promise<User>
  /** Throws PersonRefused unless a user can be added with a name. */
  checkFree(name: string): Promise<void>
  /** Throws PersonRefused unless a user has a name. */
  checkKnown(name: string): Promise<void>
  /** Adds a user without a password, and resolves to the token of the link with which they choose it. */
  invite(name: string, displayName?: string): Promise<string>
  /**
   * Each of these ends everything that the user has in progress; a new password also removes the passkeys.
   * Throws PersonRefused for an unknown name, and for enabling a user who is not disabled.
   */
  setPassword(name: string, password: string): Promise<void>
  disable(name: string): Promise<void>
  enable(name: string): Promise<void>
  remove(name: string): Promise<void>
  /** The token of a link with which the first user is created; undefined if there is one. */
  inviteFirst(): Promise<string | undefined>
}

interface PeoplePorts {
  readonly users: UserStore
  readonly passwords: Passwords
  readonly invitations: Invitations
  readonly clock: Clock
  /** Ends the sessions, grants and tokens of an account. */
  readonly endAccess: (accountId: string) => Promise<void>
}

/** People over the store. */
export function people(ports: PeoplePorts): People {
  const { users, passwords, invitations, clock, endAccess } = ports

  const newUser = (name: string, displayName: string | undefined, passwordHash: string | undefined): User => {
    const createdAt = clock.now()
    const spelled = name.trim().normalize('NFKC')
    return {
      id: userIdPrefix + randomToken(16),
      name: spelled,
      displayName: displayName?.trim() || spelled,
      passwordHash,
      createdAt,
      disabledAt: undefined,
      loginsSince: 0,
      provider: undefined,
    }
  }

  // Users who log in at a provider have no name of their own here, so every user can also be named by id. A
  // name may look like one.
  const get = async (name: string): Promise<User> => {
    const user = (isUserId(name) ? await users.find(name) : undefined) ?? (await users.findByName(fold(name)))
    if (user !== undefined) return user
    const vouched = (await users.list()).filter((one) => one.provider !== undefined && one.name === name)
    const ids = vouched.map(({ id }) => id).join(' or ')
    throw new PersonRefused(
      ids === '' ? `there is no user ${name}` : `${name} signs in at a provider: name them by id, ${ids}`,
    )
  }

  const getLocal = async (name: string): Promise<User> => {
    const user = await get(name)
    if (user.provider !== undefined)
      throw new PersonRefused(`${user.name} signs in at ${user.provider} and has no password here`)
    return user
  }

  const invited = async (token: string): Promise<User | 'first' | undefined> => {
    const invitation = await invitations.find(token)
    if (invitation?.kind === 'first') return (await users.isEmpty()) ? 'first' : undefined
    const user = invitation === undefined ? undefined : await users.find(invitation.userId)
    return user?.passwordHash === undefined && user?.disabledAt === undefined ? user : undefined
  }

  return {
    list: () => users.list(),
    async add({ name, displayName, password }) {
      checkNewUser(name, password)
      const user = newUser(name, displayName, await passwords.hash(password))
      if (!(await users.add(user, fold(name)))) throw new PersonRefused(`there is a user ${name} already`)
      return user
    },
    async checkFree(name) {
      checkNewUser(name)
      if ((await users.findByName(fold(name))) !== undefined)
        throw new PersonRefused(`there is a user ${name} already`)
    },
    async checkKnown(name) {
      await get(name)
    },
    async invite(name, displayName) {
      checkNewUser(name)
      const user = newUser(name, displayName, undefined)
      if (await users.add(user, fold(name))) return invitations.create({ kind: 'user', userId: user.id })
      const known = await getLocal(name)
      if (known.passwordHash !== undefined) throw new PersonRefused(`there is a user ${name} already`)
      return invitations.create({ kind: 'user', userId: known.id })
    },
    async setPassword(name, password) {
      const user = await getLocal(name)
      refuse(passwordProblem(password, user.name))
      await users.setPassword(user.id, await passwords.hash(password), endOfLogins(user, clock))
      await endAccess(user.id)
    },
    async disable(name) {
      const user = await get(name)
      await users.setDisabled(user.id, clock.now(), endOfLogins(user, clock))
      await endAccess(user.id)
    },
    async enable(name) {
      const user = await get(name)
      if (user.disabledAt === undefined) throw new PersonRefused(`${user.name} is not disabled`)
      await users.setDisabled(user.id, undefined, endOfLogins(user, clock))
      await endAccess(user.id)
    },
    async remove(name) {
      const user = await get(name)
      // Still stored until everything has ended, so that an interrupted removal can be repeated.
      await users.setDisabled(user.id, clock.now(), endOfLogins(user, clock))
      await endAccess(user.id)
      await users.remove(user.id)
    },
    inviteFirst: async () => ((await users.isEmpty()) ? invitations.create({ kind: 'first' }) : undefined),
    invited,
    async accept(token, { name, password }) {
      const found = await invited(token)
      if (found === undefined) return undefined
      const spelled = found === 'first' ? name : found.name
      const refused = nameProblem(spelled.trim()) ?? passwordProblem(password, spelled)
      if (refused !== undefined) return { refused }
      const hash = await unlessBusy(() => passwords.hash(password))
      if (typeof hash !== 'string') return hash
      if ((await invitations.take(token)) === undefined) return undefined
      if (found !== 'first') {
        return (await users.setFirstPassword(found.id, hash)) ? toAccount(found) : undefined
      }
      const user = newUser(name, undefined, hash)
      return (await users.addFirst(user, fold(name))) ? toAccount(user) : undefined
    },
  }
}

/** Throws PersonRefused for a name or a password that no new user can have, whoever else there is. */
export function checkNewUser(name: string, password?: string): void {
  refuse(nameProblem(name.trim()) ?? (password === undefined ? undefined : passwordProblem(password, name)))
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw new PersonRefused(problem)
}
