import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import type { Kysely } from 'kysely'
import { StoreAway } from '../../src/core/store-away.ts'
import { storeFile } from '../../src/storage/database/open-embedded.ts'
import type { Schema } from '../../src/storage/schema.ts'
import { sqliteEngine, type TestStore } from '../support/engines.ts'

const isFull = (error: unknown): boolean => error instanceof StoreAway && error.message.endsWith('is full')

describe('changes that are committed together', () => {
  let home: TestStore
  let db: Kysely<Schema>
  let other: DatabaseSync
  before(async () => {
    home = await (await sqliteEngine()).create()
    await (await home.open()).close()
    db = await home.openRaw()
    other = new DatabaseSync(storeFile(home.folder as string))
  })
  after(async () => {
    other.close()
    await db.destroy()
    await home.destroy()
  })

  const add = (name: string) => db.insertInto('marks').values({ name, value: 'v' }).execute()
  const isThere = (name: string): boolean =>
    other.prepare('select 1 from marks where name = ?').get(name) !== undefined
  const names = (prefix: string): string[] => Array.from({ length: 50 }, (_, index) => `${prefix} ${index}`)

  it('are there for others when they are acknowledged, and not before', async () => {
    const all = names('acknowledged').map(async (name) => {
      const done = add(name)
      assert.equal(isThere(name), false)
      await done
      assert.equal(isThere(name), true)
    })
    await Promise.all(all)
  })

  it('fail alone', async () => {
    await add('twice')
    const results = await Promise.allSettled([add('before'), add('twice'), add('after')])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.deepEqual([isThere('before'), isThere('after')], [true, true])
  })

  it('fail all when they cannot be committed', async () => {
    other.exec('begin immediate')
    const blocked = await home.openRaw()
    try {
      // Without patience, since this process holds the lock itself.
      const { sql } = await import('kysely')
      await sql`pragma busy_timeout = 0`.execute(blocked)
      const insert = (name: string) => blocked.insertInto('marks').values({ name, value: 'v' }).execute()
      const results = await Promise.allSettled(names('locked').map(insert))
      assert.ok(results.every((result) => result.status === 'rejected' && result.reason instanceof StoreAway))
      other.exec('rollback')
      await insert('unlocked')
      assert.ok(isThere('unlocked'))
    } finally {
      await blocked.destroy()
    }
  })

  it('stay out of a transaction, which nobody sees before its end', async () => {
    const began = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const transaction = db.transaction().execute(async (trx) => {
      await trx.insertInto('marks').values({ name: 'inside', value: 'v' }).execute()
      began.resolve()
      await goOn.promise
      throw new Error('undone')
    })
    await began.promise
    const seen = db.selectFrom('marks').select('name').where('name', '=', 'inside').execute()
    const outside = Promise.all(names('outside').map(add))
    // Time enough to see it, if anything let them.
    await new Promise((resolve) => setTimeout(resolve, 20))
    goOn.resolve()
    await assert.rejects(transaction, /undone/)
    assert.deepEqual(await seen, [])
    await outside
    assert.ok(names('outside').every(isThere), 'the rollback took nothing of others with it')
  })

  it('go on after a disk that was full in a transaction, once there is room again', {
    timeout: 20_000,
  }, async () => {
    const { sql } = await import('kysely')
    const narrow = await home.openRaw()
    try {
      const fill = (name: string, length: number) =>
        narrow.transaction().execute((trx) =>
          trx
            .insertInto('marks')
            .values({ name, value: 'x'.repeat(length) })
            .execute(),
        )
      await fill('fits', 10)
      const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(narrow)
      await sql`pragma max_page_count = ${sql.lit(rows[0]?.page_count)}`.execute(narrow)
      await assert.rejects(fill('too large', 100_000), isFull)
      const insert = (name: string, length: number) =>
        narrow
          .insertInto('marks')
          .values({ name, value: 'x'.repeat(length) })
          .execute()
      await assert.rejects(insert('too large alone', 100_000), isFull)
      // With rows to return, it is undone by itself, and does not end the transaction.
      const enlarge = () =>
        narrow
          .updateTable('marks')
          .set({ value: 'x'.repeat(100_000) })
          .where('name', '=', 'fits')
          .returning('name')
          .execute()
      for (const tooLarge of [() => insert('too large, too', 100_000), enlarge]) {
        const together = await Promise.allSettled([
          insert('before it', 10),
          tooLarge(),
          insert('after it', 10),
        ])
        for (const one of together) assert.ok(one.status === 'rejected' && isFull(one.reason))
        assert.ok(!isThere('before it') && !isThere('after it'), 'what was refused was not done')
      }
      await sql`pragma max_page_count = 1000000`.execute(narrow)
      await fill('fits again', 100_000)
      assert.ok(isThere('fits again') && !isThere('too large'))
    } finally {
      await narrow.destroy()
    }
  })

  it('are written before the store is closed', async () => {
    const closing = await home.openRaw()
    const last = closing.insertInto('marks').values({ name: 'last', value: 'v' }).execute()
    await new Promise<void>((resolve) => process.nextTick(resolve))
    await closing.destroy()
    await last
    assert.ok(isThere('last'))
  })
})
