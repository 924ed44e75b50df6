import { type Kysely, PostgresAdapter, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/**
 * The columns that few artifacts have, with the previous index of each and the further columns of the new
 * one.
 */
const optional = [
  ['uid', 'artifacts_uid', ['model']],
  ['user_code', 'artifacts_user_code', ['model']],
  ['grant_id', 'artifacts_grant', ['model']],
  ['client_id', 'artifacts_client_id', ['model']],
  ['account_id', 'artifacts_account', ['model', 'client_id', 'expires_at']],
] as const

/** The primary keys, with the most selective column first. */
const keys = {
  artifacts: ['id', 'model', 'tenant'],
  clients: ['id', 'tenant'],
  identities: ['subject', 'issuer', 'tenant'],
  passkeys: ['id', 'tenant'],
  revocations: ['id', 'kind', 'tenant'],
  users: ['id', 'tenant'],
} as const

/**
 * Leaves each lookup one suitable index. PostgreSQL plans a prepared statement for the table as it was at the
 * time: if that was empty or never analysed, all indexes that begin with the same columns looked alike, and a
 * row was searched for among all rows of its tenant. An index of only the rows that have a value serves no
 * lookup by anything else, and is not written for the other rows. Both engines get those; SQLite, which
 * counts the matching columns, keeps its primary keys.
 *
 * Tables can be read while the indexes are created, and are locked only for the exchange at the end.
 */
export const lookups: Migration = {
  async up(db: Kysely<unknown>) {
    for (const [column, , others] of optional) {
      await db.schema
        .createIndex(`artifacts_by_${column}`)
        .on('artifacts')
        .columns(['tenant', column, ...others])
        .where(column as never, 'is not', null)
        .execute()
    }
    await db.schema
      .createIndex('revocations_by_time')
      .on('revocations')
      .columns(['tenant', 'revoked_at'])
      .execute()
    const leadKeys = db.getExecutor().adapter instanceof PostgresAdapter
    if (leadKeys) for (const [table, columns] of Object.entries(keys)) await makeKey(db, table, columns)

    for (const [, old] of optional) await db.schema.dropIndex(old).execute()
    await db.schema.dropIndex('revocations_revoked_at').execute()
    if (leadKeys) for (const table of Object.keys(keys)) await exchangeKey(db, table)
  },
}

async function makeKey(db: Kysely<unknown>, table: string, columns: readonly string[]): Promise<void> {
  await db.schema
    .createIndex(`${table}_key`)
    .unique()
    .on(table)
    .columns(columns as never)
    .execute()
}

/** The index takes the name of the constraint. */
async function exchangeKey(db: Kysely<unknown>, table: string): Promise<void> {
  const name = sql.ref(`${table}_pk`)
  await sql`alter table ${sql.table(table)} drop constraint ${name},
    add constraint ${name} primary key using index ${sql.ref(`${table}_key`)}`.execute(db)
}
