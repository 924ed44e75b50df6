import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** A grant whose client was challenged for more scopes says so itself, so that a refresh need not look elsewhere. */
export const challengedGrants: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('artifacts').addColumn('challenged_until', 'bigint').execute()
  },
}
