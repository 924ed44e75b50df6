import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Kysely, sql } from 'kysely'
import { type MasterSecret, masterSecret } from '../core/secret.ts'
import { StoreAway } from '../core/store-away.ts'
import { flush, flushFolder } from './flush.ts'
import { holdLock } from './hold-alone.ts'
import { refuseNewer } from './migrate.ts'
import type { Schema } from './schema.ts'
import { isSecretOf } from './secret-mark.ts'
import { openSqlite } from './sqlite.ts'
import { StoreUnusable } from './store-unusable.ts'

/** What a backup contains besides a store. */
type BackupTables = { backup: { secret: string | null } }

/** The master secret of an installation in its written form: base64url. */
export type WrittenSecret = string

interface BackupOptions {
  readonly secret: WrittenSecret
  /** Whether the secret goes into the backup: not if the operator keeps it elsewhere. */
  readonly withSecret: boolean
  /** Whether an existing file may be replaced. */
  readonly replace: boolean
}

/**
 * Writes a consistent copy of an embedded store to a file that only its owner can read. Servers may be
 * running on the store. What was deleted in the store is not in the copy. Throws StoreUnusable, and leaves
 * the file as it was.
 */
export async function writeBackup(source: string, file: string, options: BackupOptions): Promise<void> {
  if (existsSync(file) && !options.replace) throw taken(file)
  const unfinished = `${file}.unfinished`
  const release = holdLock(`${unfinished}.lock`)
  if (release === undefined)
    throw new StoreUnusable(`another backup is being written to ${file}: wait until it is done`)
  try {
    // One that was killed has left it.
    rmSync(unfinished, { force: true })
    await writeAnew(source, { file, unfinished }, options)
  } finally {
    release()
  }
}

async function writeAnew(
  source: string,
  { file, unfinished }: { readonly file: string; readonly unfinished: string },
  { secret, withSecret, replace }: BackupOptions,
): Promise<void> {
  closeSync(openSync(unfinished, 'wx', 0o600))
  try {
    await usingStore(source, (db) => sql`vacuum into ${unfinished}`.execute(db))
    await usingStore(unfinished, async (db) => {
      await check(db, masterSecret(Buffer.from(secret, 'base64url')))
      await db.schema.createTable('backup').addColumn('secret', 'text').execute()
      await withBackupTable(db)
        .insertInto('backup')
        .values({ secret: withSecret ? secret : null })
        .execute()
      await foldIntoOneFile(db)
    })
    flush(unfinished)
    putInPlace(unfinished, file, replace)
    flushFolder(dirname(file))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw taken(file)
    throw code === 'ERR_SQLITE_ERROR'
      ? new StoreUnusable(`the backup cannot be written: ${message}`, { cause: error })
      : error
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(unfinished + suffix, { force: true })
  }
}

function putInPlace(unfinished: string, file: string, replace: boolean): void {
  // Fails if the file exists by now, as a hard link would, which not every file system has.
  if (!replace) closeSync(openSync(file, 'wx', 0o600))
  try {
    renameSync(unfinished, file)
  } catch (error) {
    if (!replace) rmSync(file)
    throw error
  }
}

/**
 * Turns a copy of a backup into a store, in place, and returns the secret that it contained. Throws
 * StoreUnusable if the file is not a backup, is damaged or was made by a newer version, and if `configured`
 * is not its secret.
 */
export async function openBackup(
  copy: string,
  configured: WrittenSecret | undefined,
): Promise<WrittenSecret> {
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
      await db.schema.dropTable('backup').execute()
      await sql`vacuum`.execute(db) // so that the secret does not stay in a free page
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
  const db = openSqlite(path)
  try {
    return await use(db)
  } catch (error) {
    // What is in the way may be in that of the copy, and not of the store.
    throw error instanceof StoreAway ? error.cause : error
  } finally {
    await db.destroy()
  }
}

function taken(file: string): StoreUnusable {
  return new StoreUnusable(`${file} is there already: choose another name, or replace it with --force`)
}
