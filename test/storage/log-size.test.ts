import assert from 'node:assert/strict'
import { mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { it } from 'node:test'
import { sql } from 'kysely'
import { openSqlite } from '../../src/storage/database/sqlite.ts'

it('the log of an embedded store shrinks again after somebody has read for so long that it grew', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'portcullis-log-')), 'store')
  const db = openSqlite(file)
  const fill = (megabytes: number) =>
    sql`update filling set content = randomblob(${megabytes * 1_000_000})`.execute(db)
  await sql`create table filling (content)`.execute(db)
  await sql`insert into filling values (1)`.execute(db)
  const reader = new DatabaseSync(file)
  reader.exec('begin; select * from filling')
  for (let times = 0; times < 3; times++) await fill(20)
  const size = () => statSync(`${file}-wal`).size
  assert.ok(size() > 50_000_000)
  reader.close()
  for (let times = 0; times < 3; times++) await fill(1)
  assert.ok(size() < 40_000_000, `${size()} bytes`)
  await db.destroy()
})
