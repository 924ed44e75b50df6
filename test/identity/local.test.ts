import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { currentAccount, loginOf } from '../../src/authorization-server/session.ts'
import { buildPasswords, buildPeople } from '../../src/compose/people.ts'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock as clock } from '../../src/core/clock.ts'
import { endOfLogins } from '../../src/identity/account.ts'
import type { Identity, KnownBrowser } from '../../src/identity/contract.ts'
import { localIdentity } from '../../src/identity/local.ts'
import { loginLimits } from '../../src/identity/login-limits.ts'
import { passwords as hashWith, type Passwords } from '../../src/identity/passwords.ts'
import type { People } from '../../src/identity/people.ts'
import { Busy } from '../../src/identity/turns.ts'
import { countWith, inMemory } from '../../src/limits/count.ts'
import type { User } from '../../src/storage/user-contract.ts'
import { movableClock } from '../support/movable-clock.ts'
import { goodPassword } from '../support/people.ts'

let data: string
let opened: Awaited<ReturnType<typeof openConfiguredStore>>
let people: People
let hashing: Passwords
before(async () => {
  data = await mkdtemp(join(tmpdir(), 'portcullis-'))
  opened = await openConfiguredStore(loadConfig({ base: { data } }), clock)
  hashing = buildPasswords(opened.secret)
  people = buildPeople({ ...opened, clock })
})
after(async () => {
  await opened.store.close()
  await rm(data, { recursive: true })
})

/** The login of a user, during which, once the password has been verified, something else happens. */
async function loginDuring(name: string, happens: () => Promise<void>) {
  const passwords: Passwords = {
    ...hashing,
    async verify(...given) {
      const matches = await hashing.verify(...given)
      await happens()
      return matches
    },
  }
  const { users } = opened.store
  const identity = localIdentity({ users, passwords, limits: loginLimits(countWith(inMemory)), clock })
  return identity.login({ name, password: goodPassword, address: '192.0.2.1' })
}

describe('a login that is under way (A58)', () => {
  it('fails when the password changes before it ends', async () => {
    await people.add({ name: 'ada', password: goodPassword })
    const answer = await loginDuring('ada', () => people.setPassword('ada', 'four other words of meaning'))
    assert.ok('refused' in answer)
  })

  it('fails when the user is disabled, or removed, before it ends', async () => {
    await people.add({ name: 'grace', password: goodPassword })
    assert.ok('refused' in (await loginDuring('grace', () => people.disable('grace'))))
    await people.enable('grace')
    assert.ok('refused' in (await loginDuring('grace', () => people.remove('grace'))))
  })

  it('succeeds when nothing happens, with a time that the next end of logins is later than', async () => {
    const { loginsSince } = await people.add({ name: 'alan', password: goodPassword })
    const answer = await loginDuring('alan', async () => undefined)
    assert.ok(!('refused' in answer))
    const { loginTs } = loginOf(answer, clock.now())
    assert.ok(loginTs * 1000 > loginsSince)
    await people.setPassword('alan', goodPassword)
    const alan = (await people.list()).find(({ name }) => name === 'alan')
    assert.ok((alan?.loginsSince ?? 0) >= loginTs * 1000)
  })
})

describe('a login', () => {
  const log = (passwords: Passwords, name: string, password: string) =>
    localIdentity({
      users: opened.store.users,
      passwords,
      limits: loginLimits(countWith(inMemory)),
      clock,
    }).login({ name, password, address: '192.0.2.1' })

  it('hashes the password anew where it was hashed with less work than now', async () => {
    const key = new Uint8Array(32).fill(7)
    const [weak, strong] = [1024, 2048].map((memory) => hashWith(key, { memory, passes: 1, parallelism: 1 }))
    assert.ok(weak && strong)
    const { id } = await people.add({ name: 'joan', password: goodPassword })
    const stored = async (): Promise<string> => (await opened.store.users.find(id))?.passwordHash ?? ''
    await opened.store.users.setPassword(id, await weak.hash(goodPassword), 0)
    assert.ok('refused' in (await log(strong, 'joan', 'a wrong password')))
    assert.match(await stored(), /m=1024,/)
    assert.ok(!('refused' in (await log(strong, 'joan', goodPassword))))
    assert.match(await stored(), /m=2048,/)
    assert.ok(!('refused' in (await log(strong, 'joan', goodPassword))))
  })

  it('looks at nothing that is too long to be a name or a password', async () => {
    const passwords = { ...hashing, verify: async () => assert.fail('it is not hashed') }
    for (const [name, password] of [
      ['x'.repeat(257), goodPassword],
      ['nobody', 'x'.repeat(1025)],
    ] as const)
      assert.ok('refused' in (await log(passwords, name, password)))
  })

  it('that comes when too many do is told when to try again, and a fault is none of those', async () => {
    const failing = (error: Error) => ({ ...hashing, verify: () => Promise.reject(error) })
    const answer = await log(failing(new Busy()), 'nobody', goodPassword)
    assert.ok('refused' in answer)
    assert.deepEqual([answer.retryAfterSeconds, answer.reason], [5, 'too many logins at once'])
    await assert.rejects(log(failing(new TypeError('a fault')), 'nobody', goodPassword), TypeError)
  })
})

describe('the lock of an account', () => {
  const cheap = hashWith(new Uint8Array(32).fill(7), { memory: 1024, passes: 1, parallelism: 1 })
  const wrong = 'a wrong password'

  /** A user whom eight wrong passwords have locked for minutes, and how they log in. */
  const lockOut = async (name: string) => {
    const { users } = opened.store
    const later = movableClock()
    const identity = localIdentity({
      users,
      passwords: cheap,
      limits: loginLimits(countWith(inMemory)),
      clock: later,
    })
    const user = await people.add({ name, password: goodPassword })
    await users.setPassword(user.id, await cheap.hash(goodPassword), user.loginsSince)
    const logIn = async (password: string, known?: KnownBrowser): Promise<string> => {
      const answer = await identity.login({ name, password, address: '192.0.2.1', known })
      return 'refused' in answer ? (answer.reason ?? '') : 'in'
    }
    for (let count = 0; count < 8; count++) {
      assert.match(await logIn(wrong), /wrong password/)
      later.advance(60_001)
    }
    assert.match(await logIn(goodPassword), /is locked for a moment/)
    return { user, logIn, later }
  }

  it('is for the failures of one day: those of yesterday lock nobody out', async () => {
    const { logIn, later } = await lockOut('emmy')
    later.advance(24 * 3600_000)
    assert.match(await logIn(wrong), /wrong password/)
    assert.equal(await logIn(goodPassword), 'in')
  })

  it('holds in a browser that was known before the last end of all logins, and in no other known one', async () => {
    const { user, logIn } = await lockOut('lise')
    const { users } = opened.store
    await users.setPassword(user.id, await cheap.hash(goodPassword), 5000)
    for (let count = 0; count < 9; count++) await logIn(wrong)
    const known = (since: number): KnownBrowser => ({ id: `${since}`, accountId: user.id, since })
    assert.match(await logIn(goodPassword, known(4999)), /is locked for a moment/)
    assert.equal(await logIn(goodPassword, known(5000)), 'in')
  })
})

it('people of an identity provider are nobody here, also once the configuration names it no more', async () => {
  const { users } = opened.store
  const hedy = await people.add({ name: 'hedy', password: goodPassword })
  const find = async () => ({ ...hedy, provider: 'company' })
  const identity = localIdentity({
    users: { ...users, find },
    passwords: hashing,
    limits: loginLimits(countWith(inMemory)),
    clock,
  })
  assert.equal(await identity.find(hedy.id), undefined)
})

describe('the limit of a browser that is known', () => {
  it('counts failures alone', async () => {
    const user = await people.add({ name: 'kay', password: goodPassword })
    const { users } = opened.store
    const identity = localIdentity({
      users,
      passwords: hashing,
      limits: loginLimits(countWith(inMemory)),
      clock,
    })
    const login = async (password: string): Promise<boolean> => {
      const known = { id: 'a browser', accountId: user.id, since: user.loginsSince }
      return !('refused' in (await identity.login({ name: 'kay', password, address: '192.0.2.1', known })))
    }
    for (let count = 0; count < 12; count++) assert.ok(await login(goodPassword), `login ${count}`)
    for (let count = 0; count < 10; count++) assert.ok(!(await login('a wrong password')))
    assert.ok(!(await login(goodPassword)), 'and ends after ten of them')
  })
})

describe('the time of a login', () => {
  it('is when its check began, but no earlier than what ended the logins before it', () => {
    const account = { id: 'usr_1', displayName: 'Ada', loginsSince: 5400 }
    assert.equal(loginOf(account, 7900).loginTs, 7)
    assert.equal(loginOf(account, 5900).loginTs, 6)
    assert.equal(loginOf({ id: 'dev', displayName: 'dev' }, 5900).loginTs, 5)
  })

  it('counts until logins end, and not in the second in which they did', async () => {
    const account = { id: 'usr_1', displayName: 'Ada', loginsSince: 5000 }
    const identity = { find: async () => account } as unknown as Identity
    const counts = async (loginTs: number) =>
      (await currentAccount(identity, account.id, loginTs)) !== undefined
    assert.deepEqual([await counts(4), await counts(5), await counts(6)], [false, false, true])
  })

  it('lies before what ends it, also by a clock that is ten seconds ahead, or right after the last end (A58)', () => {
    const endAfter = (loginsSince: number): number =>
      endOfLogins({ loginsSince } as User, { now: () => 50_000 })
    assert.equal(endAfter(0), 60_000)
    assert.equal(endAfter(60_000), 61_000)
  })
})
