import assert from 'node:assert/strict'
import { copyFile, readFile, rename, rm, stat } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { sql } from 'kysely'
import { StoreAway } from '../../src/core/store-away.ts'
import { storeFile } from '../../src/storage/database/open-embedded.ts'
import { openSqlite } from '../../src/storage/database/sqlite.ts'
import { sqliteEngine } from '../support/engines.ts'
import { storeContract } from './contract.ts'
import { login } from './people.ts'

storeContract('SQLite', sqliteEngine)

describe('the file of the embedded store', () => {
  it('is flushed to the disk itself, and not just to its cache, on macOS as well', async () => {
    const db = openSqlite(':memory:')
    const { rows } = await sql<{ fullfsync: number }>`pragma fullfsync`.execute(db)
    assert.equal(rows[0]?.fullfsync, 1)
    await db.destroy()
  })

  it('can be read by its owner alone, and its log holds no id either', async () => {
    const home = await (await sqliteEngine()).create()
    const store = await home.open()
    const file = storeFile(home.folder as string)
    await store.artifacts.put({ model: 'RefreshToken', id: 'the-bearer-secret', payload: {} })
    for (const path of [file, `${file}-wal`]) {
      assert.equal((await stat(path)).mode & 0o777, 0o600, path)
      assert.ok(!(await readFile(path)).includes('the-bearer-secret'))
    }
    await store.close()
    await home.destroy()
  })

  it('is away where it was moved, replaced by a copy, or removed, and is there again once it is back', async () => {
    const home = await (await sqliteEngine()).create()
    const store = await home.open()
    const file = storeFile(home.folder as string)
    const put = (): Promise<void> => store.artifacts.put({ model: 'Grant', id: 'one', payload: {} })
    const uses = [
      put,
      () => store.artifacts.find('Grant', 'one'),
      () => store.revocations.has('token', 'one'),
      () => store.artifacts.removeGrants(['one']),
    ]
    const isAway = async (): Promise<void> => {
      for (const use of uses) await assert.rejects(use, StoreAway)
    }
    await put()
    await rename(file, `${file}.moved`)
    await isAway()
    await copyFile(`${file}.moved`, file)
    await isAway()
    await rename(`${file}.moved`, file)
    for (const use of uses) await use()
    await rm(file)
    await isAway()
    await store.close()
    await home.destroy()
  })

  it('gives no grant the refresh token of another, whoever puts it there (B4)', async () => {
    const home = await (await sqliteEngine()).create()
    const store = await home.open()
    const grants = ['one', 'other']
    for (const id of grants) {
      await store.artifacts.put({ model: 'Grant', id, grantId: id, payload: {} })
      await store.artifacts.holdRefreshToken(id, { payload: { of: id }, serial: 0, uses: [] }, undefined)
    }
    const database = new DatabaseSync(storeFile(home.folder as string))
    database.exec(
      'update artifacts set refresh_token = (select refresh_token from artifacts order by id limit 1)',
    )
    database.close()
    const found = await Promise.allSettled(grants.map((id) => store.artifacts.find('Grant', id)))
    assert.deepEqual(found.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    await store.close()
    await home.destroy()
  })

  it('opens nothing that an intruder has put in the place of something else (B4)', async () => {
    const home = await (await sqliteEngine()).create()
    const store = await home.open()
    const times = { createdAt: 1, usedAt: undefined, expiresAt: undefined }
    for (const id of ['one', 'other']) {
      await store.artifacts.put({ model: id, id, payload: {} })
      const client = { id, source: 'operator', metadata: {}, secretHash: undefined, ...times } as const
      await store.clients.register(client, undefined)
      const privateJwk = { kty: 'EC' }
      await store.keys.addFirst({ purpose: id, kid: id, algorithm: 'ES256', privateJwk, createdAt: 1 })
      await store.identities.enter({ ...login(id), subject: id, credential: id, now: 1 })
    }
    const places = [
      ['artifacts', 'payload', 'model', () => store.artifacts.find('other', 'other')],
      ['clients', 'metadata', 'id', () => store.clients.find('other')],
      ['keys', 'sealed', 'kid', () => store.keys.list('other')],
      ['identities', 'credential', 'user_id', () => store.identities.findByUser('other')],
    ] as const
    const database = new DatabaseSync(storeFile(home.folder as string))
    for (const [table, column, key, read] of places) {
      assert.ok(await read(), table)
      database.exec(
        `update ${table} set ${column} = (select ${column} from ${table} where ${key} = 'one') where ${key} = 'other'`,
      )
      await assert.rejects(read(), /sealed with another secret/, table)
    }
    database.close()
    await store.close()
    await home.destroy()
  })
})
