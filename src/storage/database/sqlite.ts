import { closeSync, openSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type Dialect, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import { Database } from './database.ts'
import { SqliteGroupDriver } from './sqlite-driver.ts'

const busyMilliseconds = 5000
/**
 * How large the log grows before its pages are moved to the file, which makes everybody wait for the disk: 16
 * MB, four times the default, so that a page that changes often is written there once.
 */
const checkpointPages = 4000
/** What the file of the log keeps when it begins anew: it grows beyond this only while a backup reads, for example. */
const keptLogBytes = 32 * 1024 * 1024

/**
 * Opens the embedded store at a path, or in memory for `:memory:`. A commit is on disk before it is
 * acknowledged, unless its statement requires less, so that nothing acknowledged is lost by `kill -9`, and
 * nothing that must last is lost by a power failure. If there is no file, it is made, unless `existing` says that
 * there was one.
 */
export function openSqlite(path: string, { existing = false } = {}): Database {
  // It is not opened to see that: closing it would end the locks that others in this process have on it.
  if (existing) statSync(path)
  else if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path, { timeout: busyMilliseconds })
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
  // To macOS, on disk means in the cache of the disk otherwise. Elsewhere this means nothing.
  database.exec('PRAGMA fullfsync = ON')
  database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`)
  database.exec(`PRAGMA journal_size_limit = ${keptLogBytes}`)
  const driver = new SqliteGroupDriver(database, path === ':memory:' ? undefined : watchPlace(path))
  const dialect: Dialect = {
    createAdapter: () => new TransactionalAdapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
  return new Database(dialect, (query, mode) => driver.execute(query, { mode }))
}

/** Returns what says whether the same file is still at a path. */
function watchPlace(path: string): () => boolean {
  const { dev, ino } = statSync(path)
  return () => {
    try {
      const found = statSync(path, { throwIfNoEntry: false })
      return found?.ino === ino && found.dev === dev
    } catch {
      return true // without permission to look nobody knows
    }
  }
}

/**
 * Migrations run in a transaction that begins by taking the write lock: processes that start concurrently
 * wait for the first. The driver itself keeps other statements out of a transaction.
 */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }

  override get supportsMultipleConnections(): boolean {
    return true
  }
}
