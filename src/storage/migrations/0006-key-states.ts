import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** When each key begins to sign and when it is no longer valid; existing keys have signed from the start. */
export const keyStates: Migration = {
  async up(db: Kysely<{ keys: { signs_from: number; created_at: number } }>) {
    for (const [name, initially] of [
      ['generation', 1],
      ['signs_from', 0],
    ] as const) {
      await db.schema
        .alterTable('keys')
        .addColumn(name, 'bigint', (column) => column.notNull().defaultTo(initially))
        .execute()
    }
    await db.schema.alterTable('keys').addColumn('ends_at', 'bigint').execute()
    await db
      .updateTable('keys')
      .set((update) => ({ signs_from: update.ref('created_at') }))
      .execute()
    await db.schema
      .createIndex('keys_generation')
      .unique()
      .on('keys')
      .columns(['tenant', 'purpose', 'algorithm', 'generation'])
      .execute()
  },
}
