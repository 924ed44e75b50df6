import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** When each key begins to sign and when it stops to verify; the keys there are have signed from their beginning. */
export const keyStates: Migration = {
  async up(db: Kysely<{ keys: { signs_from: number; created_at: number } }>) {
    await db.schema
      .alterTable('keys')
      .addColumn('signs_from', 'bigint', (column) => column.notNull().defaultTo(0))
      .execute()
    await db.schema.alterTable('keys').addColumn('ends_at', 'bigint').execute()
    await db
      .updateTable('keys')
      .set(({ ref }) => ({ signs_from: ref('created_at') }))
      .execute()
  },
}
