import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Stores the answer to the use of a refresh token next to the mark that it was used. */
export const refreshAnswers: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('artifacts').addColumn('answer', 'text').execute()
    await db.schema
      .createIndex('artifacts_answer')
      .on('artifacts')
      .column('consumed_at')
      .where('answer' as never, 'is not', null)
      .execute()
  },
}
