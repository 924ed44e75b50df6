import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock as clock } from '../../src/core/clock.ts'
import type { Identity } from '../../src/identity/contract.ts'
import { ownPassword } from '../../src/identity/own-password.ts'
import type { PasswordChange } from '../../src/identity/own-password-contract.ts'
import type { Passwords } from '../../src/identity/passwords.ts'
import { Busy } from '../../src/identity/turns.ts'
import type { PasskeyStore } from '../../src/storage/passkey-contract.ts'
import type { User, UserStore } from '../../src/storage/user-contract.ts'
import { goodPassword } from '../support/people.ts'

const ada: User = {
  id: 'usr_ada',
  name: 'ada',
  displayName: 'Ada',
  passwordHash: 'a hash',
  createdAt: 1,
  disabledAt: undefined,
  loginsSince: 5000,
  provider: undefined,
}

interface Circumstances {
  readonly user?: User | undefined
  readonly change?: Partial<PasswordChange>
  readonly hash?: Passwords['hash']
  readonly login?: Identity['login']
  /** Whether nobody else has changed the password meanwhile. */
  readonly isFirst?: boolean
}

/** What comes of a change by ada, whose session began when logins counted since 5000. */
async function change(circumstances: Circumstances) {
  const { user = ada, hash = async () => 'a new hash', isFirst = true } = circumstances
  const done: string[] = []
  const own = ownPassword({
    users: {
      find: async () => ('user' in circumstances ? circumstances.user : user),
      async replacePassword(_: string, since: number, hashed: string) {
        if (isFirst) done.push(`${hashed} since ${since}`)
        return isFirst
      },
    } as unknown as UserStore,
    passkeys: { removeAll: async () => void done.push('passkeys') } as unknown as PasskeyStore,
    passwords: { hash } as Passwords,
    identity: { login: circumstances.login ?? (async () => ada) } as unknown as Identity,
    clock,
    endSessions: async () => void done.push('sessions'),
    endAccess: async () => void done.push('access'),
  })
  const form = { current: 'x', password: goodPassword, endsAll: false, address: '192.0.2.1' }
  const account = { id: ada.id, displayName: ada.displayName, loginsSince: 5000 }
  const answer = await own.change(account, { ...form, ...circumstances.change })
  return { answer: 'refused' in answer ? (answer.reason ?? answer.refused) : answer.id, done, full: answer }
}

describe('a change of one’s own password', () => {
  it('ends the other sessions, and where that is wanted all access and the passkeys', async () => {
    const { answer, done } = await change({})
    assert.deepEqual([answer, done], ['usr_ada', ['a new hash since 5000', 'sessions']])
    const all = await change({ change: { endsAll: true } })
    assert.deepEqual(all.done, ['a new hash since 5000', 'passkeys', 'access'])
  })

  it('counts for nothing where the account is gone, or was changed since its session was found good (A58)', async () => {
    for (const [circumstances, reason] of [
      [{ user: undefined }, 'no such user'],
      [{ user: { ...ada, loginsSince: 6000 } }, 'the account was changed meanwhile'],
      [{ isFirst: false, change: { endsAll: true } }, 'the account was changed meanwhile'],
    ] as const) {
      const { answer, done } = await change(circumstances)
      assert.deepEqual([answer, done], [reason, []])
    }
  })

  it('needs the password until now, unless the person has just logged in, and says when to try again', async () => {
    const wrong = async () => ({ refused: 'The name or password is not right.', reason: 'wrong' })
    const { full, done } = await change({ login: wrong })
    assert.ok('refused' in full)
    assert.match(full.refused, /^The current password is not right/)
    assert.deepEqual(done, [])
    assert.equal((await change({ login: wrong, change: { current: undefined } })).answer, 'usr_ada')
    const tooMany = { refused: 'Too many sign-ins have failed.', retryAfterSeconds: 60 }
    assert.deepEqual((await change({ login: async () => tooMany })).full, tooMany)
  })

  it('is told when to try again where too many passwords are being hashed, and a fault is none of those', async () => {
    const { full, done } = await change({ hash: () => Promise.reject(new Busy()) })
    assert.ok('refused' in full)
    assert.deepEqual([full.retryAfterSeconds, done], [5, []])
    await assert.rejects(change({ hash: () => Promise.reject(new TypeError('a fault')) }), TypeError)
  })
})
