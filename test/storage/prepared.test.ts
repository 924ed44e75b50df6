import assert from 'node:assert/strict'
import { test } from 'node:test'
import { prepare } from '../../src/storage/database/prepared.ts'
import { openSqlite } from '../../src/storage/database/sqlite.ts'
import { migrate } from '../../src/storage/migrate.ts'

test('a prepared query takes its values from each call, wherever they stand in it', async (t) => {
  const db = openSqlite(':memory:')
  t.after(() => db.destroy())
  await migrate(db)
  const put = prepare(db, ({ name, value }: { name: string; value: string }) =>
    db
      .insertInto('marks')
      .values({ value, name })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value })),
  )
  const find = prepare(db, ({ name }: { name: string }) =>
    db.selectFrom('marks').select('value').where('name', '=', name),
  )
  await put({ name: 'a', value: '1' })
  await Promise.all([put({ name: 'b', value: '2' }), put({ name: 'a', value: '3' })])
  assert.deepEqual(
    await Promise.all(['a', 'b', 'c'].map(async (name) => (await find({ name })).map(({ value }) => value))),
    [['3'], ['2'], []],
  )
})

test('a query that is built from a value is refused, since the value would be the same for all calls', async (t) => {
  const db = openSqlite(':memory:')
  t.after(() => db.destroy())
  const find = prepare(db, ({ name }: { name: string }) =>
    db.selectFrom('marks').select('value').where('name', '=', `${name}!`),
  )
  await assert.rejects(find({ name: 'a' }), /name is known only when the query runs/)
})
