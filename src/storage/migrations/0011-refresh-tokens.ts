import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/**
 * A refresh token is stored with its grant and replaced by its successor in place, so that no answers need be
 * kept.
 */
export const refreshTokens: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.dropIndex('artifacts_answer').execute()
    await db.schema.alterTable('artifacts').dropColumn('answer').execute()
    await db.schema.alterTable('artifacts').addColumn('refresh_token', 'text').execute()
    await db.schema.alterTable('artifacts').addColumn('refresh_serial', 'bigint').execute()
  },
}
