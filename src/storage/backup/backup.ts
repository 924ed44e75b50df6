import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { StoreUnusable } from '../store-unusable.ts'
import type { WrittenSecret } from './backup-content.ts'
import { inThread } from './backup-thread.ts'
import { flush, flushFolder } from './flush.ts'
import { holdLock } from './hold-alone.ts'
import { leavingNothing } from './unfinished.ts'

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
  await leavingNothing(release, async () => {
    removeDatabase(unfinished) // one that was killed has left it
    const remove = (): void => removeDatabase(unfinished)
    await leavingNothing(remove, () => writeAnew(source, { file, unfinished }, options))
  })
}

async function writeAnew(
  source: string,
  { file, unfinished }: { readonly file: string; readonly unfinished: string },
  { secret, withSecret, replace }: BackupOptions,
): Promise<void> {
  closeSync(openSync(unfinished, 'wx', 0o600))
  await inThread({ copying: { source, to: unfinished, secret, withSecret } })
  flush(unfinished)
  putInPlace(unfinished, file, replace)
  flushFolder(dirname(file))
}

function putInPlace(unfinished: string, file: string, replace: boolean): void {
  // Fails if the file exists by now, as a hard link would, which not every file system has.
  try {
    if (!replace) closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? taken(file) : error
  }
  try {
    renameSync(unfinished, file)
  } catch (error) {
    if (!replace) rmSync(file)
    throw error
  }
}

/** Removes the file of an embedded store, and those that belong to it while it is written. */
export function removeDatabase(file: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(file + suffix, { force: true })
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
  return inThread({ opening: { copy, configured } })
}

function taken(file: string): StoreUnusable {
  return new StoreUnusable(`${file} is there already: choose another name, or replace it with --force`)
}
