import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { randomToken } from '../core/secret.ts'
import { createFile, replaceFile, rewriteFile } from './folder-file.ts'

/** Decides which of the processes on a folder does what only one needs to do. Two at a time do no harm. */
export interface Lease {
  /**
   * Shows that the holder is alive, or takes over from one that is not. Returns whether this process is the
   * holder.
   */
  renew(): boolean
  release(): void
}

const fileName = 'keeper.json'
/** A holder that has not renewed for this long is dead. */
const staleMilliseconds = 10_000

/** A lease on a folder. */
export function leaseOn(folder: string, clock: Clock): Lease {
  const path = join(folder, fileName)
  const id = randomToken(9)
  const text = (): string => JSON.stringify({ id, at: clock.now() })
  const hold = (): void => replaceFile(folder, fileName, { text: text(), by: `${fileName}.${id}` })
  return {
    renew() {
      const holder = read(path)
      if (holder?.id === id) {
        if (!rewriteFile(folder, fileName, text())) hold()
        return true
      }
      if (holder === undefined) {
        try {
          createFile(folder, fileName, text())
          return true
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
          throw error
        }
      }
      if (Math.abs(clock.now() - holder.at) < staleMilliseconds) return false
      // If several take over, the last one becomes the holder: each of them sees that at its next renewal.
      hold()
      return false
    },
    release() {
      if (read(path)?.id === id) rmSync(path, { force: true })
    },
  }
}

/** The holder, as far as it can be read. */
function read(path: string): { readonly id: string; readonly at: number } | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text) as { id: string; at: number }
  } catch {
    return { id: '', at: 0 } // half written by a process that died: no holder
  }
}
