import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { sql } from 'kysely'
import { systemClock } from '../../src/core/clock.ts'
import { masterSecret } from '../../src/core/secret.ts'
import { openPostgres } from '../../src/storage/database/postgres.ts'
import { prepare } from '../../src/storage/database/prepared.ts'
import { openSqlite } from '../../src/storage/database/sqlite.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { openStore } from '../../src/storage/open.ts'
import { artifactStatements } from '../../src/storage/tables/artifact-statements.ts'
import { startPostgres } from '../support/postgres.ts'

const row = (id: string) => ({
  model: 'Interaction',
  id,
  payload: 'sealed',
  grant_id: null,
  uid: null,
  user_code: null,
  account_id: null,
  client_id: null,
  expires_at: null,
})

describe('a change that waits for no disk', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commit-modes-'))
  })
  after(() => rm(folder, { recursive: true }))

  it('is alone in that in the embedded store: what comes after or beside it waits', async (test) => {
    const db = openSqlite(join(folder, 'store.sqlite'))
    test.after(() => db.destroy())
    await migrate(db)
    const put = (mode: 'synchronous' | 'asynchronous') =>
      prepare(db, ({ name }: { name: string }) => db.insertInto('marks').values({ name, value: 'v' }), mode)
    const [soon, surely] = [put('asynchronous'), put('synchronous')]
    const { mock } = test.mock.method(DatabaseSync.prototype, 'exec')
    const said = (): unknown[] => {
      const texts = mock.calls.map(({ arguments: [text] }) => text)
      mock.resetCalls()
      return texts
    }
    const [relaxed, full] = ['PRAGMA synchronous = NORMAL', 'PRAGMA synchronous = FULL']
    await soon({ name: 'a' })
    assert.deepEqual(said(), [relaxed])
    await Promise.all([soon({ name: 'b' }), surely({ name: 'c' })])
    assert.deepEqual(said(), [full, 'begin immediate', 'commit'], 'together they wait')
    await assert.rejects(soon({ name: 'a' }), /UNIQUE/)
    assert.deepEqual(said(), [relaxed])
    await db.transaction().execute(async () => {})
    assert.equal(said()[0], full, 'so does a transaction')
    mock.restore()
    const { count } = await db
      .selectFrom('marks')
      .select((select) => select.fn.countAll().as('count'))
      .where('value', '=', 'v')
      .executeTakeFirstOrThrow()
    assert.equal(Number(count), 3)
  })

  it('is the beginning of what a person does; the end of it, and what a client has in hand, waits', async (test) => {
    const store = await openStore({ folder, secret: masterSecret(Buffer.alloc(32, 7)), clock: systemClock })
    test.after(() => store.close())
    const { artifacts } = store
    const put = (model: string) => artifacts.put({ model, id: 'one', payload: {} })
    const { mock } = test.mock.method(DatabaseSync.prototype, 'exec')
    /** How a change was committed, which is said where it differs from the one before. */
    const modeOf = async (change: () => Promise<unknown>): Promise<unknown> => {
      const known = mock.calls.length
      await change()
      const [call] = mock.calls.slice(known)
      return call === undefined ? 'as before' : /= (NORMAL|FULL)$/.exec(call.arguments[0])?.[1]
    }
    assert.equal(await modeOf(() => put('Session')), 'NORMAL')
    for (const model of ['Grant', 'AuthorizationCode', 'Interaction'])
      assert.equal(await modeOf(() => put(model)), 'as before', model)
    const token = { payload: {}, serial: 0, uses: [] }
    assert.equal(await modeOf(() => artifacts.holdRefreshToken('one', token, undefined)), 'FULL')
    assert.equal(await modeOf(() => artifacts.holdRefreshToken('one', token, 0)), 'NORMAL', 'the next one')
    const granted = { model: 'Grant', id: 'two', payload: {} }
    assert.equal(
      await modeOf(() => artifacts.put(granted, { lasts: true })),
      'FULL',
      'where a token comes with it',
    )
    for (const model of ['DeviceCode', 'Invitation', 'ProviderVisit', 'PushedAuthorizationRequest']) {
      await put('Interaction')
      assert.equal(await modeOf(() => put(model)), 'FULL', `${model}, which somebody holds`)
    }
    for (const [model, change] of [
      ['Session', () => artifacts.remove('Session', 'one')],
      ['Grant', () => artifacts.remove('Grant', 'one')],
      ['AuthorizationCode', () => artifacts.consume('AuthorizationCode', 'one')],
    ] as const) {
      await put('Interaction')
      assert.equal(await modeOf(change), 'FULL', model)
    }
  })

  it('says so in PostgreSQL for itself alone, on a connection that others get next', async (test) => {
    const server = await startPostgres()
    test.after(() => server.stop())
    const { url } = await server.createDatabase()
    const db = await openPostgres({ url, onFault: () => {}, patience: undefined })
    test.after(() => db.destroy())
    await migrate(db)
    const mode = async (): Promise<unknown> =>
      (await sql<{ synchronous_commit: string }>`show synchronous_commit`.execute(db)).rows[0]
        ?.synchronous_commit
    const usual = await mode()
    assert.notEqual(usual, 'off')
    const { putFleeting, consumeFleeting, holdFleeting, removeFleeting } = artifactStatements(
      db,
      'postgres',
      'one',
    )
    const changes = [
      () => putFleeting(row('a')),
      () => putFleeting(row('a')),
      () => consumeFleeting({ model: 'Interaction', id: 'a', now: 1 }),
      () => putFleeting({ ...row('g'), model: 'Grant' }),
      () => holdFleeting({ grant: 'g', token: '', serial: 0, before: -1 }),
      () => removeFleeting({ model: 'Interaction', id: 'a' }),
    ]
    for (const change of changes) {
      assert.equal(((await change())[0] as { commit: string }).commit, 'off')
      assert.equal(await mode(), usual)
    }
  })
})
