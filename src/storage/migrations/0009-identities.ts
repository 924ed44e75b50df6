import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Users for whom an identity provider vouches. */
export const identities: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('users').addColumn('provider', 'text').execute()
    await db.schema
      .createTable('identities')
      .addColumn('tenant', 'text', (column) => column.notNull())
      .addColumn('issuer', 'text', (column) => column.notNull())
      .addColumn('subject', 'text', (column) => column.notNull())
      .addColumn('user_id', 'text', (column) => column.notNull())
      .addColumn('facts', 'text', (column) => column.notNull())
      .addColumn('credential', 'text')
      .addColumn('logged_in_at', 'bigint', (column) => column.notNull())
      .addColumn('asked_at', 'bigint', (column) => column.notNull())
      .addColumn('confirmed_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('identities_pk', ['tenant', 'issuer', 'subject'])
      .addUniqueConstraint('identities_user_id', ['tenant', 'user_id'])
      .execute()
  },
}
