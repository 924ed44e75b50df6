import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Artifact } from '../../src/storage/artifact-contract.ts'
import type { StoredClient } from '../../src/storage/client-contract.ts'
import type { Store } from '../../src/storage/contract.ts'
import type { TestStore } from '../support/engines.ts'
import type { MovableClock } from '../support/movable-clock.ts'
import { login, passkey, person } from './people.ts'

const tables = [
  'artifacts',
  'clients',
  'consents',
  'identities',
  'keys',
  'passkeys',
  'revocations',
  'users',
] as const

const facts = { publicUrl: 'https://gw.example', resources: [], users: 'local' }

/** What every store must do with tenants that have everything under the same names, and here the same secret. */
export function tenantContract(home: () => TestStore, clock: MovableClock): void {
  describe('of two tenants with the same names for everything', () => {
    let mine: Store
    let theirs: Store
    before(async () => {
      mine = await home().open({ clock, tenant: 'mine' })
      theirs = await home().open({ clock, tenant: 'theirs' })
    })
    after(async () => {
      await mine.close()
      await theirs.close()
    })

    const later = (milliseconds: number): number => clock.now() + milliseconds
    const artifact = (model: string, whose: string): Artifact => ({
      model,
      id: 'a',
      payload: { whose },
      uid: 'u',
      userCode: 'c',
      grantId: 'g',
      accountId: 'ada',
      clientId: 'app',
      expiresAt: later(60_000),
    })
    const client = (id: string, whose: string, life = 60_000): StoredClient => ({
      id,
      source: 'dynamic',
      metadata: { whose },
      secretHash: whose,
      createdAt: 1,
      usedAt: undefined,
      expiresAt: later(life),
    })
    const key = (whose: string) => ({
      purpose: 'p',
      kid: 'k',
      algorithm: 'ES256',
      privateJwk: { whose },
      createdAt: 1,
    })
    const question = {
      accountId: 'ada',
      clientId: 'app',
      redirectHost: 'https://app.example',
      resource: 'https://gw.example/mcp',
      clientDigest: 'd',
    }
    const refreshToken = (serial: number, whose: string) => ({ payload: { whose }, serial, uses: [] })
    const use = { counter: 5, usedAt: 5, loginsSince: 0 }

    const fill = async (store: Store, whose: string): Promise<void> => {
      await store.artifacts.put(artifact('Grant', whose))
      await store.artifacts.put(artifact('Code', whose))
      await store.artifacts.holdRefreshToken('a', refreshToken(0, whose), undefined)
      await store.clients.register(client('app', whose), undefined)
      await store.consents.remember(question, [whose], later(60_000))
      await store.revocations.add({ kind: 'grant', id: whose, expiresAt: later(60_000) })
      await store.keys.addFirst(key(whose))
      await store.users.add({ ...person('ada'), displayName: whose }, 'ada')
      await store.passkeys.add({ ...passkey('p', 'ada'), name: whose }, 0)
      const { user, facts: said, ...rest } = login('eve')
      const named = { user: { ...user, displayName: whose }, facts: { ...said, displayName: whose } }
      const eve = await store.identities.enter({ ...rest, ...named, credential: whose, now: 1 })
      assert.equal(eve.displayName, whose)
      await store.lastStart.write({ ...facts, publicUrl: whose })
    }

    /** Everything that can be read, by the names that both have. */
    const readAll = async ({ artifacts, clients, consents, ...store }: Store): Promise<unknown[]> => {
      const { found, grant } = await artifacts.findWithGrant('Code', 'a')
      const payloads = [
        found,
        grant,
        await artifacts.find('Code', 'a'),
        await artifacts.findByUid('Code', 'u'),
        await artifacts.findByUserCode('Code', 'c'),
        ...(await artifacts.list('Code', { text: 'ada', skip: 0, most: 9 })),
        ...(await artifacts.listByAccount('Code', 'ada')),
        ...(await artifacts.listByClient('Code', 'app')),
        (await artifacts.find('Grant', 'a'))?.refreshToken,
      ].map((one) => one?.payload['whose'])
      const people = [
        await store.users.find('ada'),
        await store.users.findByName('ada'),
        ...(await store.users.list()).filter(({ id }) => id === 'ada'),
      ]
      return [
        ...payloads,
        ...[await clients.find('app'), ...(await clients.list())].map((one) => one?.metadata['whose']),
        ...(await consents.scopes(question)),
        ...(await consents.list('ada')).map(({ scope }) => scope),
        ...(await store.revocations.since(0)).map(({ id }) => id),
        ...(await store.keys.list('p')).map(({ privateJwk }) => privateJwk['whose']),
        ...people.map((one) => one?.displayName),
        ...[await store.passkeys.find('p'), ...(await store.passkeys.list('ada'))].map((one) => one?.name),
        (await store.identities.findByUser('eve'))?.credential,
        (await store.identities.findUser(login('eve').issuer, login('eve').subject))?.displayName,
        ...[...(await store.identities.listFacts()).values()].map((one) => one.displayName),
        (await store.lastStart.read())?.publicUrl,
      ]
    }

    /** Everything that changes or removes something. */
    const changeAll = async ({
      artifacts,
      clients,
      consents,
      keys,
      users,
      ...store
    }: Store): Promise<void> => {
      await artifacts.consume('Code', 'a', { grantId: 'a', token: refreshToken(0, 'of theirs') })
      await artifacts.consume('Code', 'a')
      for (const serial of [undefined, 0, 1])
        await artifacts.holdRefreshToken('a', refreshToken(2, 'of theirs'), serial)
      await artifacts.challenge('Grant', 'u', later(10))
      await artifacts.answerChallenge('Grant', 'a')
      await artifacts.remove('Code', 'a')
      await artifacts.take('Code', 'a')
      await artifacts.removeGrants(['g'])
      await artifacts.sweep(later(1e9))
      await clients.markUsed('app', later(90_000))
      await clients.replaceSecret('app', 'x')
      await clients.remove('app')
      await clients.sweep(later(1e9))
      await consents.forget('ada')
      await consents.forgetClient('app')
      await consents.sweep(later(1e9))
      await store.revocations.sweep(later(1e9))
      await keys.advance('p', 'k', 0)
      await keys.end('p', ['k'], 5)
      await keys.sweep(later(1e9))
      await store.passkeys.use('p', use)
      await store.passkeys.remove('ada', 'p')
      await store.passkeys.removeAll('ada')
      await users.claimAttempt('ada', { now: 1, lock: [5], forgetMs: 1 })
      await users.forgetFailures('ada', 'a hash')
      await users.rehash('ada', 'a hash', 'x')
      await users.setDisabled('ada', 5, 0)
      await users.setDisabled('ada', undefined, 0)
      await users.replacePassword('ada', 0, 'x', 0)
      await users.setPassword('ada', 'x', 7)
      await users.setFirstPassword('invited', 'x')
      await store.identities.claimQuestion('eve', 1, 5)
      await store.identities.confirm('eve', { ...login('eve'), credential: 'x', loggedInAt: 1, now: 5 })
      await store.identities.refuse('eve', { loggedInAt: 1, now: 2 })
      await users.remove('ada')
      await users.remove('eve')
    }

    const rows = async (): Promise<string[]> => {
      const all = await Promise.all(
        tables.map((table) => home().query(`select * from ${table} where tenant = 'mine'`)),
      )
      assert.ok(all.every((list) => list.length > 0))
      return all
        .flat()
        .map((row) => JSON.stringify(row))
        .toSorted()
    }

    it('each finds nothing of the other’s, and then its own', async () => {
      await fill(mine, 'of mine')
      const untouched = await rows()
      const [own, other] = [await readAll(mine), await readAll(theirs)]
      assert.deepEqual(new Set(own), new Set(['of mine']))
      assert.deepEqual(new Set(other), new Set([undefined]))
      assert.equal(await theirs.revocations.has('grant', 'of mine'), false)
      assert.equal(await theirs.users.isEmpty(), true)
      await theirs.artifacts.put(artifact('Code', 'of theirs'))
      assert.equal((await theirs.artifacts.findWithGrant('Code', 'a')).grant, undefined)
      await fill(theirs, 'of theirs')
      assert.deepEqual(await readAll(mine), own)
      assert.deepEqual(new Set(await readAll(theirs)), new Set(['of theirs']))
      await changeAll(theirs)
      assert.deepEqual(await rows(), untouched)
    })

    it('nothing that one does changes a row of the other', async () => {
      await mine.users.add({ ...person('invited'), passwordHash: undefined }, 'invited')
      await mine.artifacts.challenge('Grant', 'u', later(60_000))
      await mine.artifacts.put({ ...artifact('Code', 'used'), id: 'used', uid: 'used' })
      await mine.artifacts.consume('Code', 'used')
      await mine.artifacts.holdRefreshToken('a', refreshToken(1, 'of mine'), 0)
      await mine.keys.add({ ...key('of mine'), kid: 'ended' }, { generation: 2, signsFrom: 9 })
      await mine.keys.end('p', ['ended'], 10)
      const untouched = await rows()
      await changeAll(theirs)
      await theirs.users.add(person('ada'), 'ada')
      await theirs.passkeys.use('p', use)
      await fill(theirs, 'of theirs')
      await changeAll(theirs)
      assert.deepEqual(await rows(), untouched)
    })

    it('each has its own first user, clients up to its own ceiling, and passkeys of its own users', async () => {
      assert.equal(await theirs.users.addFirst(person('first'), 'a first'), true)
      await mine.clients.register(client('older', 'of mine', 1000), undefined)
      const untouched = await rows()
      for (const id of ['app', 'app', 'later'])
        assert.equal(await theirs.clients.register(client(id, 'of theirs', 90_000), 1), true, id)
      assert.deepEqual(
        (await theirs.clients.list()).map(({ id }) => id),
        ['later'],
      )
      await theirs.users.add(person('ada'), 'ada')
      assert.equal(await theirs.passkeys.add(passkey('p', 'ada'), 0), true)
      await theirs.users.setDisabled('ada', 1, 0)
      assert.equal(await theirs.passkeys.use('p', use), false)
      assert.deepEqual(await rows(), untouched)
    })
  })
}
