import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { lineEnd } from './files.ts'

/** A file that is open for appending. */
export interface OpenFile {
  readonly descriptor: number
  /** As far as this process knows: others append as well. */
  size: number
  /** Whether what this process wrote ends with a line break. */
  isWhole: boolean
}

/**
 * Opens a file, in a folder that is created if needed, readable only by the owner of the folder. Completes a line
 * that was torn by a crash of the machine, so that the next one is separate. Follows no link.
 */
export function openFile(folder: string, name: string): OpenFile {
  makeFolder(folder)
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants
  const descriptor = openSync(join(folder, name), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600)
  try {
    const { size, nlink } = fstatSync(descriptor)
    if (size === 0 && nlink === 1) giveToOwner(descriptor, folder)
    const last = Buffer.alloc(1)
    if (size > 0 && readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] !== lineEnd) {
      writeSync(descriptor, '\n')
    }
    return { descriptor, size, isWhole: true }
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

/** Creates a folder, with those around it, for the owner of the one in which the outermost of them is. */
function makeFolder(folder: string): void {
  const whole = resolve(folder)
  const outermost = mkdirSync(whole, { recursive: true, mode: 0o700 })
  if (outermost === undefined || process.getuid?.() !== 0) return
  const { O_DIRECTORY, O_NOFOLLOW } = constants
  for (let path = whole; path.length >= outermost.length; path = dirname(path)) {
    const descriptor = openSync(path, O_DIRECTORY | O_NOFOLLOW)
    try {
      giveToOwner(descriptor, dirname(outermost))
    } finally {
      closeSync(descriptor)
    }
  }
}

/**
 * Removes the beginning of a line whose rest found no room, so that it does not spoil what others append. Returns
 * its length; 0 if there is none, or it has to stay and be continued.
 */
export function takeBack(descriptor: number, written: Buffer): number {
  const begun = written.subarray(written.lastIndexOf(lineEnd) + 1)
  if (begun.length === 0) return 0
  try {
    const start = fstatSync(descriptor).size - begun.length
    const last = Buffer.alloc(begun.length)
    if (readSync(descriptor, last, 0, last.length, start) < last.length || !last.equals(begun)) return 0
    ftruncateSync(descriptor, start)
    return begun.length
  } catch {
    return 0 // it may be a file that can only be appended to
  }
}

/** Writes a new file of a folder, readable only by the owner of the folder. Throws EEXIST if there is one. */
export function createFile(folder: string, name: string, text: string): void {
  const descriptor = openSync(join(folder, name), 'wx', 0o600)
  try {
    giveToOwner(descriptor, folder)
    writeFileSync(descriptor, text)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Writes a file of a folder by way of another one, so that nobody reads a part of it, and nothing is written
 * through a link.
 */
export function replaceFile(folder: string, name: string, { text, by }: { text: string; by: string }): void {
  const path = join(folder, by)
  rmSync(path, { force: true })
  try {
    createFile(folder, by, text)
    renameSync(path, join(folder, name))
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  }
}

/**
 * Writes a file of a folder in its place, where Windows lets nobody put another one while somebody reads it. Returns
 * whether it did: not if the file may be known by another name elsewhere. Throws if there is none.
 */
export function rewriteFile(folder: string, name: string, text: string): boolean {
  const descriptor = openSync(join(folder, name), constants.O_WRONLY | constants.O_NOFOLLOW)
  try {
    if (fstatSync(descriptor).nlink !== 1) return false
    // What is there is no longer, as a rule: nobody reads a part of it.
    ftruncateSync(descriptor, writeSync(descriptor, text, 0))
    return true
  } finally {
    closeSync(descriptor)
  }
}

/**
 * What a command creates as root has to be usable for servers that run as another user. It must be known to be nothing
 * of somebody else: that user may have put a link in its place.
 */
function giveToOwner(descriptor: number, folder: string): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(folder)
  fchownSync(descriptor, uid, gid)
}
