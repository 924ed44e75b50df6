import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { storeFile } from '../database/open-embedded.ts'
import { StoreUnusable } from '../store-unusable.ts'
import { openBackup, removeDatabase } from './backup.ts'
import type { WrittenSecret } from './backup-content.ts'
import { flush, flushFolder } from './flush.ts'
import { holdDatabase, holdLock } from './hold-alone.ts'
import { leavingNothing } from './unfinished.ts'

interface RestoreOptions {
  /** The configured secret; undefined if it is in the data folder. */
  readonly configured: WrittenSecret | undefined
  /** Whether a data folder that is not empty may be used. */
  readonly replace: boolean
  /** Names the folder that keeps what was there. */
  readonly now: Date
  /**
   * Called when the store is in its place, before another restore can begin, with the folder in which the previous
   * content is kept, if there was any.
   */
  readonly record: (kept: string | undefined) => Promise<void>
}

/** Held while a folder is restored to. */
const lockName = 'restoring'

/**
 * Puts the store of a backup, and its secret unless one is configured, into an existing data folder.
 * Everything is checked before anything is replaced. Throws StoreUnusable, with everything left as it was, if a
 * server or another restore is running on the folder, or the backup cannot be used.
 */
export async function restoreBackup(
  file: string,
  folder: string,
  { configured, replace, now, record }: RestoreOptions,
): Promise<void> {
  const lock = join(folder, lockName)
  for (const path of [lock, storeFile(folder), join(folder, 'secret')]) refuseFolder(path)
  const release = holdLock(lock)
  if (release === undefined)
    throw new StoreUnusable(`another restore is running on ${folder}: wait until it is done`)
  await leavingNothing(release, async () => {
    if (readdirSync(folder).some((name) => name !== lockName) && !replace)
      throw new StoreUnusable(
        `${folder} is not empty: name another data folder, or replace its store with --force`,
      )
    await record(await replaceStore(file, folder, { configured, now }))
  })
}

async function replaceStore(
  file: string,
  folder: string,
  { configured, now }: Pick<RestoreOptions, 'configured' | 'now'>,
): Promise<string | undefined> {
  const [store, secret] = [storeFile(folder), join(folder, 'secret')]
  const [stagedStore, stagedSecret] = [`${store}.restoring`, `${secret}.restoring`]
  // It is held open so that no server starts on it, and Windows replaces nothing that is open.
  if (process.platform === 'win32' && existsSync(store))
    throw new StoreUnusable(
      `on Windows no store can be replaced, as the one in ${folder}: name another data folder, or move that one away`,
    )
  // A damaged store is not held, since it is to be replaced.
  const release = existsSync(store) ? holdDatabase(store) : () => undefined
  if (release === undefined) throw new StoreUnusable(`a server is running on ${store}: stop it first`)
  const reading: number[] = []
  const remove = (): void => {
    removeDatabase(stagedStore)
    rmSync(stagedSecret, { force: true })
  }
  const put = async (): Promise<string | undefined> => {
    remove() // what one that was killed has left
    await copyFile(file, stagedStore, constants.COPYFILE_EXCL)
    chmodSync(stagedStore, 0o600)
    const used = await openBackup(stagedStore, configured)
    if (configured === undefined)
      writeFileSync(stagedSecret, `${used}\n`, { mode: 0o600, flag: 'wx', flush: true })
    for (const path of [stagedStore, stagedSecret]) giveToOwner(path, folder)
    flush(stagedStore)
    const name = `before-restore-${now.toISOString().replaceAll(':', '-')}`
    const kept = keepOld(folder, join(folder, name), reading)
    if (configured === undefined) putSecret(stagedSecret, secret, () => renameSync(stagedStore, store))
    else renameSync(stagedStore, store)
    flushFolder(folder)
    return kept
  }
  try {
    return await leavingNothing(remove, put)
  } finally {
    for (const descriptor of reading) closeSync(descriptor)
    release()
  }
}

function refuseFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new StoreUnusable(`${path} is a folder: move it away`)
}

/**
 * What root restores has to be usable for servers that run as the owner of the folder. It must be known to be no
 * file of somebody else: that user may have put a link in its place.
 */
function giveToOwner(path: string, folder: string): void {
  if (process.getuid?.() !== 0 || !existsSync(path)) return
  const { uid, gid } = statSync(folder)
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    if (fstatSync(descriptor).nlink === 1) fchownSync(descriptor, uid, gid)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Copies what is about to be replaced into a folder next to it. Returns undefined if there is nothing. What it reads
 * stays open in `reading`: closing any descriptor of the store would end this process's lock on it.
 */
function keepOld(folder: string, kept: string, reading: number[]): string | undefined {
  const store = storeFile(folder)
  const names = [store, `${store}-wal`, `${store}-shm`, join(folder, 'secret')].filter(existsSync)
  if (names.length === 0) return undefined
  mkdirSync(kept, { mode: 0o700 })
  for (const path of names) {
    const copy = join(kept, basename(path))
    const descriptor = openSync(path, 'r')
    reading.push(descriptor)
    copyOpen(descriptor, copy)
    flush(copy)
  }
  flushFolder(kept)
  // A log that a damaged store left behind would be treated as the log of the new store.
  for (const suffix of ['-wal', '-shm']) rmSync(store + suffix, { force: true })
  return kept
}

function copyOpen(from: number, to: string): void {
  const copy = openSync(to, 'wx', 0o600)
  try {
    const piece = Buffer.allocUnsafe(1024 * 1024)
    for (let read = readSync(from, piece); read > 0; read = readSync(from, piece))
      writeFileSync(copy, piece.subarray(0, read))
  } finally {
    closeSync(copy)
  }
}

/**
 * Puts a secret in its place and does what belongs to it; if that fails, the old one is put back. That may be a link,
 * and is moved instead of copied: where root restores, a user could read with it what only root may read.
 */
function putSecret(staged: string, secret: string, then: () => void): void {
  const old = `${secret}.replaced`
  const isThere = lstatSync(secret, { throwIfNoEntry: false }) !== undefined
  if (isThere) renameSync(secret, old)
  try {
    renameSync(staged, secret)
    then()
  } catch (error) {
    if (isThere) renameSync(old, secret)
    else rmSync(secret, { force: true })
    throw error
  }
  rmSync(old, { force: true })
}
