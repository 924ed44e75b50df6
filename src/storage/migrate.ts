import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { initial } from './migrations/0001-initial.ts'
import { keyStates } from './migrations/0006-key-states.ts'
import { refreshAnswers } from './migrations/0006-refresh-answers.ts'
import type { Schema } from './schema.ts'

const migrations: Readonly<Record<string, Migration>> = {
  '0001-initial': initial,
  '0006-key-states': keyStates,
  '0006-refresh-answers': refreshAnswers,
}

/** A store that this version cannot use, with the cause and the fix for the operator. */
export class StoreUnusable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreUnusable'
  }
}

/** Brings a store to the schema of this version. Throws StoreUnusable when a newer version has made it. */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const known = new Set(Object.keys(migrations))
  const done = await appliedMigrations(db)
  const foreign = done.filter((name) => !known.has(name))
  if (foreign.length > 0) {
    throw new StoreUnusable(
      `the store was made by a newer version of portcullis (it has ${foreign.join(', ')}): start that version, or restore a backup from before it`,
    )
  }
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined)
    throw new StoreUnusable('the store cannot be brought to this version', { cause: error })
}

async function appliedMigrations(db: Kysely<Schema>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === 'kysely_migration')) return []
  const rows = await db
    .withTables<{ kysely_migration: { name: string } }>()
    .selectFrom('kysely_migration')
    .select('name')
    .execute()
  return rows.map(({ name }) => name)
}
