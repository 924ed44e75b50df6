import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/**
 * Finds a grant among its hundreds of used tokens, and an account's newest ones without reading the others.
 */
export const artifactIndexes: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.dropIndex('artifacts_grant_id').execute()
    await db.schema.dropIndex('artifacts_account_id').execute()
    await db.schema
      .createIndex('artifacts_grant')
      .on('artifacts')
      .columns(['tenant', 'grant_id', 'model'])
      .execute()
    await db.schema
      .createIndex('artifacts_account')
      .on('artifacts')
      .columns(['tenant', 'account_id', 'model', 'client_id', 'expires_at'])
      .execute()
  },
}
