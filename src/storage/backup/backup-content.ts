import { type Kysely, sql } from 'kysely'
import { type MasterSecret, masterSecret } from '../../core/secret.ts'
import { StoreAway } from '../../core/store-away.ts'
import { openSqlite } from '../database/sqlite.ts'
import { refuseNewer } from '../migrate.ts'
import type { Schema } from '../schema.ts'
import { isSecretOf } from '../secret-mark.ts'
import { StoreUnusable } from '../store-unusable.ts'

/** What a backup contains besides a store. */
type BackupTables = { backup: { secret: string | null } }

/** The master secret of an installation in its written form: base64url. */
export type WrittenSecret = string

/** What is to be copied, and with what. */
export interface Copying {
  readonly source: string
  /** An empty file. */
  readonly to: string
  readonly secret: WrittenSecret
  readonly withSecret: boolean
}

/** A backup that is to become a store, and the secret that it must have been made with, if that is configured. */
export interface Opening {
  readonly copy: string
  readonly configured: WrittenSecret | undefined
}

/** Copies a store to a backup, without what was deleted in it. Throws StoreUnusable. */
export async function copyToBackup({ source, to, secret, withSecret }: Copying): Promise<void> {
  try {
    await usingStore(source, (db) => sql`vacuum into ${to}`.execute(db))
    await usingStore(to, async (db) => {
      await check(db, masterSecret(Buffer.from(secret, 'base64url')))
      await db.schema.createTable('backup').addColumn('secret', 'text').execute()
      await withBackupTable(db)
        .insertInto('backup')
        .values({ secret: withSecret ? secret : null })
        .execute()
      await foldIntoOneFile(db)
    })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw code === 'ERR_SQLITE_ERROR'
      ? new StoreUnusable(`the backup cannot be written: ${message}`, { cause: error })
      : error
  }
}

/**
 * Turns a copy of a backup into a store, in place, and returns the secret that it contained. Throws
 * StoreUnusable if the file is not a backup, is damaged or was made by a newer version, and if `configured`
 * is not its secret.
 */
export async function turnIntoStore({ copy, configured }: Opening): Promise<WrittenSecret> {
  try {
    return await usingStore(copy, async (db) => {
      const { secret } = await withBackupTable(db)
        .selectFrom('backup')
        .select('secret')
        .executeTakeFirstOrThrow()
      const used = configured ?? secret
      if (used === null)
        throw new StoreUnusable(
          'its secret is not in it: give the one that it was made with as PORTCULLIS_SECRET',
        )
      await check(db, masterSecret(Buffer.from(used, 'base64url')))
      await sql`pragma secure_delete = on`.execute(db) // so that the secret does not stay in a free page
      await db.schema.dropTable('backup').execute()
      await foldIntoOneFile(db)
      return used
    })
  } catch (error) {
    const { message } = error as Error
    const isOther = /^(?:no such table: backup|file is not a database)$/.test(message)
    const why = isOther ? 'it is not a file that portcullis backup wrote' : message
    throw new StoreUnusable(`the backup cannot be used: ${why}`, { cause: error })
  }
}

async function check(db: Kysely<Schema>, secret: MasterSecret): Promise<void> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db)
  if (rows[0]?.integrity_check !== 'ok') throw new StoreUnusable('the store is damaged')
  await refuseNewer(db)
  if (!(await isSecretOf(db, secret)))
    throw new StoreUnusable(
      'it was made with another secret than the one that is configured or in the data folder',
    )
}

function withBackupTable(db: Kysely<Schema>): Kysely<Schema & BackupTables> {
  return db.withTables<BackupTables>()
}

/** Without this, part of the content would stay in the write-ahead log. */
async function foldIntoOneFile(db: Kysely<Schema>): Promise<void> {
  await sql`pragma journal_mode = delete`.execute(db)
}

async function usingStore<T>(path: string, use: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
  const db = openSqlite(path, { existing: true }) // a process that was told to stop may be removing it
  try {
    return await use(db)
  } catch (error) {
    // What is in the way may be in that of the copy, and not of the store.
    throw error instanceof StoreAway ? error.cause : error
  } finally {
    await db.destroy()
  }
}
