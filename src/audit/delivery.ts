import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { lineEnd, listFiles } from './files.ts'
import { replaceFile } from './folder-file.ts'
import type { Sink } from './sinks/contract.ts'
import { separateTorn } from './torn-lines.ts'

/** How far a sink has come: the bytes of each file that it has accepted. Stored next to the events. */
export interface Delivery {
  /**
   * Delivers the next events, at most some hundred, and fewer after the sink has failed: it, or the way to it, may
   * be too slow for as many. Returns whether there were any. Rejects as the sink does.
   */
  step(): Promise<boolean>
  /** Bytes that the sink does not have yet. */
  readonly waitingBytes: number
  /** Whether the sink has all of a file. */
  hasAll(name: string): boolean
}

const mostBytes = 256 * 1024
const mostLines = 500
/** By how much the next batch may be larger than the last one, after a failure. */
const growth = 1.25
/** A file that was followed by another one, and not written to for so long, is over. */
const quietMilliseconds = 60_000

/** Continues where an earlier process stopped. */
export function deliveryTo(sink: Sink, folder: string): Delivery {
  const record = `delivered-${sink.name}.json`
  const path = join(folder, record)
  const sizeOf = (name: string): number => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  const isQuiet = (name: string): boolean =>
    Date.now() - statSync(join(folder, name)).mtimeMs > quietMilliseconds

  let most = mostLines
  const deliver = async (lines: readonly string[]): Promise<void> => {
    try {
      await sink.deliver(lines)
      most = Math.min(Math.ceil(most * growth), mostLines)
    } catch (error) {
      most = Math.max(Math.floor(most / 2), 1)
      throw error
    }
  }

  return {
    async step() {
      // Read again each time: another process may have made progress.
      const done = readOffsets(path)
      const names = listFiles(folder)
      for (const name of names) {
        const size = sizeOf(name)
        const offset = takenOf(done, name, size)
        if (size <= offset) continue
        const isOver = name !== names.at(-1) && isQuiet(name)
        const { lines, bytes } = readSome(join(folder, name), { offset, isOver, most })
        if (bytes === 0) continue
        await deliver(lines)
        const offsets = { ...onlyExisting(done, folder), [name]: offset + bytes }
        replaceFile(folder, record, { text: JSON.stringify(offsets), by: `${record}.new` })
        return true
      }
      return false
    },
    get waitingBytes() {
      const done = readOffsets(path)
      return listFiles(folder).reduce((sum, name) => {
        const size = sizeOf(name)
        return sum + size - takenOf(done, name, size)
      }, 0)
    },
    hasAll(name) {
      const size = sizeOf(name)
      return takenOf(readOffsets(path), name, size) === size
    },
  }
}

type Offsets = Readonly<Record<string, number>>

/**
 * Files only grow: one that is shorter than what was accepted of it is a new file that was begun after the
 * first was removed.
 */
function takenOf(done: Offsets, name: string, size: number): number {
  const taken = done[name] ?? 0
  return taken > size ? 0 : taken
}

/** Whole lines from an offset; where the file is over, its last line may be torn. */
function readSome(
  path: string,
  { offset, isOver, most }: { readonly offset: number; readonly isOver: boolean; readonly most: number },
): { readonly lines: readonly string[]; readonly bytes: number } {
  const descriptor = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(mostBytes)
    const read = buffer.subarray(0, readSync(descriptor, buffer, 0, mostBytes, offset))
    let end = 0
    let count = 0
    for (let at = read.indexOf(lineEnd); at !== -1 && count < most; at = read.indexOf(lineEnd, at + 1)) {
      end = at + 1
      count++
    }
    if (end === 0 && read.length === mostBytes)
      throw new Error(`a line of ${path} is too long to be an event`)
    const isAtEnd = read.length < mostBytes && count < most
    if (isOver && isAtEnd) end = read.length
    const text = read.subarray(0, end).toString()
    const lines = text.split('\n').filter((line) => line !== '')
    return { lines: lines.flatMap(separateTorn), bytes: end }
  } finally {
    closeSync(descriptor)
  }
}

function readOffsets(path: string): Offsets {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Offsets
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return {}
    throw error
  }
}

function onlyExisting(offsets: Offsets, folder: string): Offsets {
  const names = new Set(listFiles(folder))
  return Object.fromEntries(Object.entries(offsets).filter(([name]) => names.has(name)))
}
