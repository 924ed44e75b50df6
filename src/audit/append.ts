import {
  accessSync,
  closeSync,
  constants,
  fchownSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { unwritable } from './audit-unusable.ts'
import { currentFile, dayMilliseconds, lineEnd, listFiles } from './files.ts'

/** Appends to the files of a folder, in order and without gaps. */
export interface Appender {
  /**
   * Writes whole lines in one call. Throws if that fails; the rest of them is then written first next time.
   */
  append(lines: string): void
  /** What is left over from earlier calls. */
  readonly waitingBytes: number
  /**
   * Flushes what was written to disk, and resolves when it is there. Throws, once, if the file has been moved
   * or removed in the meantime: others find what is written next in another one.
   */
  sync(): Promise<void>
  /** Whether there is room for more than a few lines, as far as the disk tells. */
  hasRoom(): boolean
  /** Throws if the next lines could not be written, as far as that can be told without writing. */
  probe(): void
  close(): void
}

interface AppenderOptions {
  readonly folder: string
  /** The size beyond which a new file begins. */
  readonly fileBytes: number
  readonly now: () => number
}

/**
 * Opens a folder for appending, and creates it, readable only by its owner. Throws AuditUnusable if it cannot
 * be written.
 */
export function openAppender(options: AppenderOptions): Appender {
  try {
    return appendTo(options)
  } catch (error) {
    throw unwritable(options.folder, error)
  }
}

function appendTo({ folder, fileBytes, now }: AppenderOptions): Appender {
  let name = currentFile(listFiles(folder).at(-1), now())
  let file = openFile(folder, name)
  let rest = Buffer.alloc(0)
  let dirty = false
  /** Whether nobody finds what is written to the open file. */
  let isGone = false

  const isInPlace = (): boolean => {
    const { dev, ino } = fstatSync(file.descriptor)
    try {
      const found = statSync(join(folder, name))
      return found.dev === dev && found.ino === ino
    } catch (error) {
      // Without permission to look nobody knows, and what is written may be found.
      return !nowhere.has((error as NodeJS.ErrnoException).code)
    }
  }
  const moveOn = (): void => {
    const last = listFiles(folder).at(-1) ?? name
    // Another process may have moved on.
    const latest = last > name ? last : name
    const isFull = latest === name && (isGone || file.size >= fileBytes)
    const next = currentFile(latest, now(), { isFull })
    if (next === name) return
    fdatasyncSync(file.descriptor)
    const opened = openFile(folder, next)
    closeSync(file.descriptor)
    name = next
    file = opened
    isGone = false
  }
  const today = (): number => Math.floor(now() / dayMilliseconds)
  let day = today()
  const isOver = (): boolean => today() !== day

  return {
    get waitingBytes() {
      return rest.length
    },
    append(lines) {
      if (lines !== '')
        rest = rest.length === 0 ? Buffer.from(lines) : Buffer.concat([rest, Buffer.from(lines)])
      // In the middle of a line it is not possible to switch to another file.
      if (isGone || (file.isWhole && (isOver() || file.size >= fileBytes))) {
        moveOn()
        day = today()
      }
      dirty = true
      let written = 0
      try {
        while (written < rest.length) written += writeSync(file.descriptor, rest, written)
      } catch (error) {
        written -= takeBack(file.descriptor, rest.subarray(0, written))
        throw error
      } finally {
        file.size += written
        if (written > 0) file.isWhole = rest[written - 1] === lineEnd
        rest = rest.subarray(written)
      }
    },
    async sync() {
      // Nothing more is written to the file of a day that is over, which may be pruned.
      if (!isOver() && !isInPlace()) {
        if (isGone) return
        isGone = true
        throw new Error(`somebody has moved or removed ${join(folder, name)} with the events in it`)
      }
      if (!dirty) return
      dirty = false
      await new Promise<void>((resolve, reject) => {
        fdatasync(file.descriptor, (error) => {
          // A file that was closed in the meantime was synced before that.
          if (error === null || error.code === 'EBADF') resolve()
          else reject(error)
        })
      })
    },
    hasRoom() {
      try {
        const { blocks, bavail, bsize } = statfsSync(folder)
        return blocks === 0 || bavail * bsize >= roomBytes
      } catch {
        return true // nobody knows, and an attempt shows
      }
    },
    probe() {
      if (!isGone && isInPlace()) return
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      accessSync(folder, constants.W_OK | constants.X_OK)
    },
    close() {
      fdatasyncSync(file.descriptor)
      closeSync(file.descriptor)
    },
  }
}

const roomBytes = 1024 * 1024
const nowhere: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR'])

interface OpenFile {
  readonly descriptor: number
  /** As far as this process knows: others append as well. */
  size: number
  /** Whether what this process wrote ends with a line break. */
  isWhole: boolean
}

/**
 * Removes the beginning of a line whose rest found no room, so that it does not spoil what others append. Returns
 * its length; 0 if there is none, or it has to stay and be continued.
 */
function takeBack(descriptor: number, written: Buffer): number {
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

/**
 * Opens a file, in a folder that is created if needed. Completes a line that was torn by a crash of the
 * machine, so that the next one is separate.
 */
function openFile(folder: string, name: string): OpenFile {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const descriptor = openSync(join(folder, name), 'a+', 0o600)
  try {
    const { size } = fstatSync(descriptor)
    if (size === 0) giveToOwner(descriptor, folder)
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

/** What a command creates as root has to be writable for servers that run as another user. */
function giveToOwner(descriptor: number, folder: string): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(folder)
  fchownSync(descriptor, uid, gid)
}
