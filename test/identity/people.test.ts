import assert from 'node:assert/strict'
import { beforeEach, describe, it, type TestContext } from 'node:test'
import { invitations } from '../../src/identity/invitations.ts'
import { passwords as hashWith } from '../../src/identity/passwords.ts'
import { type People, PersonRefused, people as peopleOver } from '../../src/identity/people.ts'
import type { Store } from '../../src/storage/contract.ts'
import { openStore } from '../../src/storage/open.ts'
import type { User } from '../../src/storage/user-contract.ts'
import { testSecret } from '../support/engines.ts'
import { movableClock } from '../support/movable-clock.ts'
import { goodPassword } from '../support/people.ts'

const clock = movableClock()
const hashing = hashWith(new Uint8Array(32).fill(7), { memory: 1024, passes: 1, parallelism: 1 })

let store: Store
let people: People
/** Whose access has ended, and whether they were kept out by then. */
let ended: [id: string, isDisabled: boolean][]
/** What happens while a password is hashed. */
let meanwhile: () => Promise<unknown>

beforeEach(async (context) => {
  store = await openStore({ folder: undefined, secret: testSecret, clock })
  ;(context as TestContext).after(() => store.close())
  ended = []
  meanwhile = async () => undefined
  people = peopleOver({
    users: store.users,
    passwords: {
      ...hashing,
      async hash(password) {
        await meanwhile()
        return hashing.hash(password)
      },
    },
    invitations: invitations(store.artifacts, clock),
    clock,
    endAccess: async (id) => void ended.push([id, (await store.users.find(id))?.disabledAt !== undefined]),
  })
})

const add = (name: string): Promise<User> => people.add({ name, password: goodPassword })
const stored = async ({ id }: User): Promise<User> => {
  const user = await store.users.find(id)
  assert.ok(user)
  return user
}
const refuses = (change: Promise<unknown>, message: string): Promise<void> =>
  assert.rejects(change, new PersonRefused(message))

describe('a user', () => {
  it('has a name that nobody else has, however it is spelled', async () => {
    await add('ada')
    const taken = 'there is a user ADA already'
    await refuses(people.checkFree('ADA'), taken)
    await refuses(add('ADA'), taken)
    await refuses(people.invite('ADA'), taken)
    assert.equal((await people.list()).length, 1)
  })

  it('loses every login and all access with a new password, which must be a good one (A58)', async () => {
    const ada = await add('ada')
    await refuses(people.setPassword('ada', 'short'), 'A password needs at least 12 characters.')
    assert.deepEqual(ended, [])
    await people.setPassword('ada', 'four other words of meaning')
    assert.deepEqual(ended, [[ada.id, false]])
    assert.ok((await stored(ada)).loginsSince > clock.now())
  })

  it('has nothing left of before when they are let in again, and nobody else is let in (A58)', async () => {
    const ada = await add('ada')
    await refuses(people.enable('ada'), 'ada is not disabled')
    await people.disable('ada')
    const { loginsSince } = await stored(ada)
    await people.enable('ada')
    assert.deepEqual(ended, [
      [ada.id, true],
      [ada.id, false],
    ])
    assert.ok((await stored(ada)).loginsSince > loginsSince)
  })

  it('is kept out before everything ends, so that a removal that breaks off lets nobody in (A58)', async () => {
    const ada = await add('ada')
    await people.remove('ada')
    assert.deepEqual(ended, [[ada.id, true]])
    assert.equal(await store.users.find(ada.id), undefined)
  })

  it('of a provider is named by id, and has no password here', async () => {
    const facts = { displayName: 'Eve', email: undefined, domain: undefined, tenant: undefined }
    const eve = await store.identities.enter({
      user: { ...(await add('ada')), id: 'usr_eve', name: 'company:eve', provider: 'company' },
      nameKey: 'identity eve',
      issuer: 'https://login.example.com',
      subject: 'eve',
      facts: { ...facts, groups: [], roles: [] },
      credential: undefined,
      now: 1,
    })
    await refuses(
      people.disable('company:eve'),
      'company:eve signs in at a provider: name them by id, usr_eve',
    )
    await refuses(
      people.setPassword(eve.id, goodPassword),
      'company:eve signs in at company and has no password here',
    )
  })
})

describe('a link to choose a password', () => {
  const form = { name: 'what no name can be', password: goodPassword }

  it('is for the user whom it invited, whatever name is sent with it, until they have a password or are kept out', async () => {
    const token = await people.invite('ada')
    await people.disable('ada')
    assert.equal(await people.invited(token), undefined)
    await people.enable('ada')
    const account = await people.accept(token, form)
    assert.ok(account !== undefined && 'id' in account)
    assert.deepEqual(
      (await people.list()).map(({ id, name }) => [id, name]),
      [[account.id, 'ada']],
    )
    assert.equal(await people.accept(token, form), undefined)
  })

  it('gives no password to a user who got another one while it was hashed', async () => {
    const token = await people.invite('ada')
    meanwhile = async () => {
      const [ada] = await people.list()
      await store.users.setPassword(ada?.id ?? '', 'a hash', 1)
    }
    assert.equal(await people.accept(token, form), undefined)
    assert.equal((await people.list())[0]?.passwordHash, 'a hash')
  })

  it('is for the first user as long as there is none, also while their password is hashed', async () => {
    const token = (await people.inviteFirst()) ?? ''
    assert.equal(await people.invited(token), 'first')
    meanwhile = async () => {
      meanwhile = async () => undefined
      await add('grace')
    }
    assert.equal(await people.accept(token, { ...form, name: 'ada' }), undefined)
    assert.deepEqual(
      (await people.list()).map(({ name }) => name),
      ['grace'],
    )
    assert.equal(await people.inviteFirst(), undefined)
    assert.equal(await people.invited(token), undefined)
  })

  it('to be the first is worth nothing once somebody else is', async () => {
    const token = (await people.inviteFirst()) ?? ''
    await add('grace')
    assert.equal(await people.invited(token), undefined)
  })
})
