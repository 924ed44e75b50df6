import { closeSync, constants, fstatSync, ftruncateSync, openSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { sqliteCode, sqliteCodes } from '../database/sqlite-code.ts'

/** Lets others have what was held. */
type Release = () => void

const timeout = 100
const isBusy = (error: unknown): boolean => sqliteCode(error) === sqliteCodes.busy

/**
 * Keeps other processes from using a database until it is released or this process ends. A damaged one is not
 * held. Returns undefined if another process uses it.
 */
export function holdDatabase(path: string): Release | undefined {
  const database = new DatabaseSync(path, { timeout })
  try {
    // Only the last connection can leave write-ahead mode.
    database.exec('pragma locking_mode = exclusive; pragma journal_mode = delete; begin exclusive')
  } catch (error) {
    if (isBusy(error)) {
      database.close()
      return undefined
    }
  }
  return () => database.close()
}

/**
 * Keeps other processes from whatever a lock file stands for, until it is released, which removes the file,
 * or this process ends. Returns undefined if another process has it.
 */
export function holdLock(path: string): Release | undefined {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  ftruncateSync(descriptor) // whatever else it may be, it has to be a database
  const database = new DatabaseSync(path, { timeout })
  const end = (): void => {
    database.close()
    // Not before that: closing any descriptor of a file ends this process's locks on it.
    closeSync(descriptor)
  }
  try {
    database.exec('pragma journal_mode = memory; begin exclusive')
    // Whoever had it may have removed the file meanwhile, after which a third one can lock another file.
    if (fstatSync(descriptor).nlink > 0)
      return () => {
        if (process.platform === 'win32') return endAndRemove(path, end)
        rmSync(path, { force: true }) // not afterwards: by then it may be that of another process
        end()
      }
  } catch (error) {
    if (!isBusy(error)) throw error
  }
  end()
  return undefined
}

/** Windows removes no file that is open. */
function endAndRemove(path: string, end: () => void): void {
  end()
  try {
    rmSync(path, { force: true })
  } catch {
    // Another process has it already, and will remove it.
  }
}
