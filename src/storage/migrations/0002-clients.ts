import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Moves registered clients to their own table, which can be counted, listed and swept. */
export const clients: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('clients')
      .addColumn('tenant', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('metadata', 'text', (column) => column.notNull())
      .addColumn('secret_hash', 'text')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('used_at', 'bigint')
      .addColumn('expires_at', 'bigint')
      .addPrimaryKeyConstraint('clients_pk', ['tenant', 'id'])
      .execute()
    await db.schema
      .createIndex('clients_expires_at')
      .on('clients')
      .columns(['tenant', 'source', 'expires_at'])
      .execute()
    await db.schema
      .createIndex('artifacts_client_id')
      .on('artifacts')
      .columns(['tenant', 'client_id'])
      .execute()
  },
}
