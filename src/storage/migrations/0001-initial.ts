import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** The first schema. */
export const initial: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('artifacts')
      .addColumn('tenant', 'text', (column) => column.notNull())
      .addColumn('model', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('grant_id', 'text')
      .addColumn('uid', 'text')
      .addColumn('user_code', 'text')
      .addColumn('account_id', 'text')
      .addColumn('client_id', 'text')
      .addColumn('consumed_at', 'bigint')
      .addColumn('expires_at', 'bigint')
      .addPrimaryKeyConstraint('artifacts_pk', ['tenant', 'model', 'id'])
      .execute()
    for (const column of ['grant_id', 'uid', 'user_code', 'account_id'] as const) {
      await db.schema.createIndex(`artifacts_${column}`).on('artifacts').columns(['tenant', column]).execute()
    }
    await db.schema.createIndex('artifacts_expires_at').on('artifacts').column('expires_at').execute()

    await db.schema
      .createTable('keys')
      .addColumn('tenant', 'text', (column) => column.notNull())
      .addColumn('purpose', 'text', (column) => column.notNull())
      .addColumn('kid', 'text', (column) => column.notNull())
      .addColumn('algorithm', 'text', (column) => column.notNull())
      .addColumn('sealed', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('keys_pk', ['tenant', 'purpose', 'kid'])
      .execute()

    await db.schema
      .createTable('revocations')
      .addColumn('tenant', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('revoked_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('revocations_pk', ['tenant', 'kind', 'id'])
      .execute()
    await db.schema.createIndex('revocations_revoked_at').on('revocations').column('revoked_at').execute()

    await db.schema
      .createTable('marks')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('value', 'text', (column) => column.notNull())
      .execute()
  },
}
