import { closeSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { migrate, type OnUpgrade } from '../migrate.ts'
import { StoreUnusable } from '../store-unusable.ts'
import type { Database } from './database.ts'
import { openSqlite } from './sqlite.ts'
import { sqliteCode, sqliteCodes } from './sqlite-code.ts'

/** The file of the embedded store in a data folder. */
export function storeFile(folder: string): string {
  return join(folder, 'portcullis.sqlite')
}

/**
 * Opens the embedded store in a data folder, or in memory without one, and brings it to this version's schema.
 * Throws StoreUnusable.
 */
export async function openEmbedded(
  folder: string | undefined,
  onUpgrade: OnUpgrade | undefined,
): Promise<Database> {
  const file = folder === undefined ? ':memory:' : storeFile(folder)
  let db: Database | undefined
  try {
    db = openSqlite(file)
    await migrate(db, undefined, onUpgrade)
    return db
  } catch (error) {
    await db?.destroy()
    throw explainUnopened(error, file)
  }
}

/** The store, its log and what its users share, beside the audit. */
const filesOfStore = 4

const { corrupt, notADatabase, readOnly, inputOutput, full, cannotOpen } = sqliteCodes
const damaged: ReadonlySet<number> = new Set([corrupt, notADatabase])
/** What the system refused, which SQLite does not say. */
const refused: ReadonlySet<number> = new Set([readOnly, inputOutput, full, cannotOpen])

/** What an operator can do about a file that cannot be opened; other errors are returned as they are. */
function explainUnopened(error: unknown, file: string): unknown {
  const cause = error instanceof StoreUnusable ? error.cause : error
  const { code = '', message = '' } = (cause ?? {}) as Partial<NodeJS.ErrnoException>
  if (damaged.has(sqliteCode(cause))) {
    const fix = 'stop what runs on it, and put a backup in its place with portcullis restore FILE --force'
    return new StoreUnusable(`the store ${file} is damaged (${message}): ${fix}`, { cause })
  }
  if (error === cause && refused.has(sqliteCode(cause))) {
    if (!canOpenMore(file)) return tooManyFiles(file, message, cause)
    const fix = 'see that its disk has room and is in order, and that this user may write in its folder'
    return new StoreUnusable(`the store ${file} cannot be opened (${message}): ${fix}`, { cause })
  }
  if (tooManyOpen.has(code)) return tooManyFiles(file, code, cause)
  if (!/^E[A-Z]+$/.test(code)) return error
  const fix =
    code === 'EISDIR'
      ? 'it is a folder: move it away'
      : 'let the user that Portcullis runs as read and write it'
  return new StoreUnusable(`the store ${file} cannot be opened (${code}): ${fix}`, { cause })
}

const tooManyOpen: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE'])

/** Whether this process may have as many more files open as a store needs, which SQLite does not say. */
function canOpenMore(file: string): boolean {
  const opened: number[] = []
  try {
    while (opened.length < filesOfStore) opened.push(openSync(dirname(file), 'r'))
    return true
  } catch (error) {
    return !tooManyOpen.has((error as NodeJS.ErrnoException).code ?? '')
  } finally {
    for (const descriptor of opened) closeSync(descriptor)
  }
}

function tooManyFiles(file: string, why: string, cause: unknown): StoreUnusable {
  const fix = 'let this user have more files open (ulimit -n, LimitNOFILE): each tenant needs four'
  return new StoreUnusable(`the store ${file} cannot be opened (${why}): ${fix}`, { cause })
}
