import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/**
 * Marks a grant itself when its client was challenged for more scopes, so that a refresh need not look
 * elsewhere.
 */
export const challengedGrants: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('artifacts').addColumn('challenged_until', 'bigint').execute()
  },
}
