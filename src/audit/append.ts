import {
  accessSync,
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  mkdirSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { unwritable } from './audit-unusable.ts'
import { currentFile, dayMilliseconds, lineEnd, listFiles } from './files.ts'
import { openFile, takeBack } from './folder-file.ts'

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
