import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What users agreed to, so that they are not asked the same again. */
export const consents: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('consents')
      .addColumn('tenant', 'text', (column) => column.notNull())
      .addColumn('account_id', 'text', (column) => column.notNull())
      .addColumn('client_id', 'text', (column) => column.notNull())
      .addColumn('redirect_host', 'text', (column) => column.notNull())
      .addColumn('resource', 'text', (column) => column.notNull())
      .addColumn('scope', 'text', (column) => column.notNull())
      .addColumn('client_digest', 'text', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('consents_pk', [
        'tenant',
        'account_id',
        'client_id',
        'redirect_host',
        'resource',
        'scope',
      ])
      .execute()
    await db.schema.createIndex('consents_expires_at').on('consents').column('expires_at').execute()
  },
}
