import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { StoreAway } from '../core/store-away.ts'
import { sqliteCode, sqliteCodes } from './database/sqlite-code.ts'
import { initial } from './migrations/0001-initial.ts'
import { clients } from './migrations/0002-clients.ts'
import { users } from './migrations/0003-users.ts'
import { consents } from './migrations/0004-consents.ts'
import { refreshAnswers } from './migrations/0005-refresh-answers.ts'
import { keyStates } from './migrations/0006-key-states.ts'
import { challengedGrants } from './migrations/0007-challenged-grants.ts'
import { artifactIndexes } from './migrations/0008-artifact-indexes.ts'
import { identities } from './migrations/0009-identities.ts'
import { lookups } from './migrations/0010-lookups.ts'
import { refreshTokens } from './migrations/0011-refresh-tokens.ts'
import type { Schema } from './schema.ts'
import { StoreUnusable } from './store-unusable.ts'

const migrations: Readonly<Record<string, Migration>> = {
  '0001-initial': initial,
  '0002-clients': clients,
  '0003-users': users,
  '0004-consents': consents,
  '0005-refresh-answers': refreshAnswers,
  '0006-key-states': keyStates,
  '0007-challenged-grants': challengedGrants,
  '0008-artifact-indexes': artifactIndexes,
  '0009-identities': identities,
  '0010-lookups': lookups,
  '0011-refresh-tokens': refreshTokens,
}

/** Is told that a store is about to be brought to this version. */
export type OnUpgrade = () => void

/** The SQLSTATE for a user who may not create tables: in a new PostgreSQL database, only its owner may. */
export const notPermitted = '42501'

/**
 * Brings a store to the schema of this version, or, in tests, of an earlier one. Concurrent processes wait
 * for the first. `onUpgrade` is called before that for a store of an earlier version, which may take minutes. Throws
 * StoreUnusable if the store was made by a newer version.
 */
export async function migrate(
  db: Kysely<Schema>,
  last?: string,
  onUpgrade: OnUpgrade = () => undefined,
): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const applied = await refuseNewer(db)
  if (applied.length > 0 && applied.length < Object.keys(migrations).length) onUpgrade()
  const { error } = await (last === undefined ? migrator.migrateToLatest() : migrator.migrateTo(last))
  if (error === undefined) return
  await refuseNewer(db)
  const cause = error instanceof StoreAway ? error.cause : error
  const { message } = cause as Error
  throw new StoreUnusable(`the store cannot be brought to this version: ${message}${fixOf(cause)}`, { cause })
}

function fixOf(error: unknown): string {
  const { code } = error as { readonly code?: string }
  if (code === notPermitted) return '; make the user of store.url the owner of the database'
  const isLocked = sqliteCode(error) === sqliteCodes.busy
  return isLocked ? '; wait until the process that is writing to it is done, or end that one' : ''
}

/**
 * The names of the migrations of a store. Throws StoreUnusable for one with migrations that this version does not
 * know.
 */
export async function refuseNewer(db: Kysely<Schema>): Promise<readonly string[]> {
  const applied = await appliedMigrations(db)
  const foreign = applied.filter((name) => !(name in migrations))
  if (foreign.length === 0) return applied
  throw new StoreUnusable(
    `the store was made by a newer version of portcullis (it has ${foreign.join(', ')}): start that version, or restore a backup from before it`,
  )
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
