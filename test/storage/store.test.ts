import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { masterSecret } from '../../src/core/secret.ts'
import type { Store } from '../../src/storage/contract.ts'
import { openStore } from '../../src/storage/open.ts'
import { movableClock } from '../support/movable-clock.ts'

const clock = movableClock()
const secret = masterSecret(new Uint8Array(32).fill(1))
const soon = (): number => clock.now() + 60_000

let folder: string
let store: Store
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-store-'))
  store = await openStore({ folder, secret, clock })
})
after(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

describe('artifacts', () => {
  it('are found by id, uid and user code, with their payload', async () => {
    const artifact = {
      model: 'Session',
      id: 'i',
      payload: { a: 1 },
      uid: 'u',
      userCode: 'c',
      expiresAt: soon(),
    }
    await store.artifacts.put(artifact)
    const found = { payload: { a: 1 }, consumedAt: undefined }
    assert.deepEqual(await store.artifacts.find('Session', 'i'), found)
    assert.deepEqual(await store.artifacts.findByUid('Session', 'u'), found)
    assert.deepEqual(await store.artifacts.findByUserCode('Session', 'c'), found)
    assert.equal(await store.artifacts.find('Other', 'i'), undefined)
    await store.artifacts.put({ ...artifact, payload: { a: 2 } })
    assert.deepEqual((await store.artifacts.find('Session', 'i'))?.payload, { a: 2 })
    await store.artifacts.remove('Session', 'i')
    assert.equal(await store.artifacts.find('Session', 'i'), undefined)
  })

  it('are consumed once, of 50 at once, and stay to be found', async () => {
    await store.artifacts.put({ model: 'Code', id: 'c1', payload: {}, expiresAt: soon() })
    const results = await Promise.all(Array.from({ length: 50 }, () => store.artifacts.consume('Code', 'c1')))
    assert.equal(results.filter(Boolean).length, 1)
    assert.ok((await store.artifacts.find('Code', 'c1'))?.consumedAt)
    await store.artifacts.put({ model: 'Code', id: 'c1', payload: { again: true } })
    assert.equal(await store.artifacts.consume('Code', 'c1'), false, 'writing again does not make it new')
    assert.equal(await store.artifacts.consume('Code', 'unknown'), false)
  })

  it('keep the answer of the one that consumed them, of 50 at once, for a while', async () => {
    await store.artifacts.put({ model: 'Once', id: 'o', payload: {}, expiresAt: soon() })
    const answers = Array.from({ length: 50 }, (_, index) => `answer ${index}`)
    const began = clock.now()
    const results = await Promise.all(answers.map((answer) => store.artifacts.consume('Once', 'o', answer)))
    assert.equal((await store.artifacts.find('Once', 'o'))?.answer, answers[results.indexOf(true)])
    await store.artifacts.put({ model: 'Once', id: 'o', payload: { again: true } })
    await store.artifacts.forgetAnswers(began)
    assert.equal((await store.artifacts.find('Once', 'o'))?.answer, answers[results.indexOf(true)])
    await store.artifacts.forgetAnswers(clock.now() + 1000)
    const found = await store.artifacts.find('Once', 'o')
    assert.equal(found?.answer, undefined)
    assert.ok(found?.consumedAt)
  })

  it('are inserted once, of 50 at once', async () => {
    const seen = { model: 'ReplayDetection', id: 'jti', payload: {}, expiresAt: soon() }
    const results = await Promise.all(Array.from({ length: 50 }, () => store.artifacts.insertOnce(seen)))
    assert.equal(results.filter(Boolean).length, 1)
  })

  it('are taken once, of 50 at once, and not when they have expired', async () => {
    await store.artifacts.put({ model: 'Mark', id: 'm', payload: { x: 1 }, expiresAt: soon() })
    const results = await Promise.all(Array.from({ length: 50 }, () => store.artifacts.take('Mark', 'm')))
    assert.equal(results.filter((result) => result !== undefined).length, 1)
    await store.artifacts.put({ model: 'Mark', id: 'm', payload: {}, expiresAt: clock.now() - 1 })
    assert.equal(await store.artifacts.take('Mark', 'm'), undefined)
  })

  it('go with their grant', async () => {
    await store.artifacts.put({ model: 'Grant', id: 'g', payload: {} })
    await store.artifacts.put({ model: 'RefreshToken', id: 'r', payload: {}, grantId: 'g' })
    await store.artifacts.put({ model: 'RefreshToken', id: 'other', payload: {}, grantId: 'h' })
    await store.artifacts.removeGrant('g')
    assert.equal(await store.artifacts.find('Grant', 'g'), undefined)
    assert.equal(await store.artifacts.find('RefreshToken', 'r'), undefined)
    assert.ok(await store.artifacts.find('RefreshToken', 'other'))
  })

  it('are swept when they have expired, and never before', async () => {
    await store.artifacts.put({ model: 'Short', id: 's', payload: {}, expiresAt: clock.now() + 1000 })
    await store.artifacts.put({ model: 'Endless', id: 'e', payload: {} })
    await store.artifacts.sweep(clock.now())
    assert.ok(await store.artifacts.find('Short', 's'))
    clock.advance(2000)
    assert.ok((await store.artifacts.sweep(clock.now())) >= 1)
    assert.equal(await store.artifacts.find('Short', 's'), undefined)
    assert.ok(await store.artifacts.find('Endless', 'e'))
  })
})

describe('revocations', () => {
  it('are told to listeners, listed, kept once, and swept', async () => {
    const heard: string[] = []
    const stop = store.revocations.subscribe(({ id }) => heard.push(id))
    const began = clock.now()
    await store.revocations.add({ kind: 'grant', id: 'g1', expiresAt: soon() })
    await store.revocations.add({ kind: 'grant', id: 'g1', expiresAt: soon() })
    await store.revocations.add({ kind: 'token', id: 't1', expiresAt: clock.now() + 1000 })
    stop()
    await store.revocations.add({ kind: 'token', id: 't2', expiresAt: soon() })
    assert.deepEqual(heard, ['g1', 'g1', 't1'])
    assert.deepEqual((await store.revocations.since(began)).map(({ id }) => id).toSorted(), [
      'g1',
      't1',
      't2',
    ])
    assert.ok(await store.revocations.has('token', 't1'))
    assert.ok(!(await store.revocations.has('grant', 't1')))
    clock.advance(2000)
    assert.equal(await store.revocations.sweep(clock.now()), 1)
    assert.deepEqual((await store.revocations.since(began)).map(({ id }) => id).toSorted(), ['g1', 't2'])
  })
})

describe('keys', () => {
  const key = (kid: string, algorithm = 'ES256') => ({
    purpose: 'p',
    kid,
    algorithm,
    privateJwk: { kty: 'EC', d: 'private-part-of-the-key' },
    createdAt: clock.now(),
  })

  it('of a purpose have one first, whoever comes at once', async () => {
    const firsts = await Promise.all(['a', 'b', 'c'].map((kid) => store.keys.addFirst(key(kid))))
    assert.equal(new Set(firsts.map(({ kid }) => kid)).size, 1)
    assert.equal((await store.keys.list('p')).length, 1)
    assert.equal((await store.keys.addFirst(key('r', 'RS256'))).kid, 'r')
    assert.equal((await store.keys.list('p')).length, 2)
    assert.deepEqual(await store.keys.list('other'), [])
  })
})

describe('the file', () => {
  it('holds no id, no payload and no private key that could be read', async () => {
    await store.artifacts.put({
      model: 'RefreshToken',
      id: 'the-bearer-secret',
      payload: { sub: 'the-payload' },
      userCode: 'ABCD',
    })
    await store.keys.addFirst({
      purpose: 'q',
      kid: 'k',
      algorithm: 'ES256',
      privateJwk: { d: 'private-part' },
      createdAt: 1,
    })
    const raw = new DatabaseSync(join(folder, 'portcullis.sqlite'), { readOnly: true })
    const dump = JSON.stringify([
      raw.prepare('select * from artifacts').all(),
      raw.prepare('select * from keys').all(),
    ])
    raw.close()
    assert.doesNotMatch(dump, /the-bearer-secret|the-payload|private-part|ABCD/)
    const wal = await readFile(join(folder, 'portcullis.sqlite-wal')).catch(() => Buffer.alloc(0))
    assert.ok(!wal.includes('the-bearer-secret'))
  })

  it('can be read by its owner alone', async () => {
    assert.equal((await stat(join(folder, 'portcullis.sqlite'))).mode & 0o777, 0o600)
  })

  it('keeps tenants apart', async () => {
    const other = await openStore({ folder, secret, clock, tenant: 'other' })
    await store.artifacts.put({ model: 'Client', id: 'shared', payload: { mine: true } })
    assert.equal(await other.artifacts.find('Client', 'shared'), undefined)
    assert.equal(await other.artifacts.consume('Client', 'shared'), false)
    assert.deepEqual(await other.keys.list('p'), [])
    await other.close()
  })

  it('is refused with another secret, and with the schema of a newer version', async () => {
    const foreign = masterSecret(new Uint8Array(32).fill(2))
    await assert.rejects(openStore({ folder, secret: foreign, clock }), /made with another secret/)
    const raw = new DatabaseSync(join(folder, 'portcullis.sqlite'))
    raw.exec(`insert into kysely_migration (name, timestamp) values ('9999-future', '2030-01-01')`)
    await assert.rejects(
      openStore({ folder, secret, clock }),
      /newer version of portcullis \(it has 9999-future\)/,
    )
    raw.exec(`delete from kysely_migration where name = '9999-future'`)
    raw.close()
  })
})
