import { write, writeSync } from 'node:fs'
import type { DestinationStream } from 'pino'

const descriptor = 1
/** If so many bytes are waiting, lines are written at once. */
const writtenBytes = 4096
const longestWaitMilliseconds = 100
/** How long to wait for the reader of a pipe that is full, which may have emptied it by then. */
const readerMilliseconds = 10
/** How much is written in one call. */
const pieceBytes = 16 * 1024
/** How much may wait while nothing can be written. Further lines are lost: what must be complete is the audit. */
const waitingBytes = 16 * 1024 * 1024
/** How long the end of the process waits for a reader that does not read. */
const endMilliseconds = 1000

/**
 * Standard output, to which many lines are written in one call. No line waits for long, or beyond the end of
 * the process. Another thread writes, since a pipe that nobody empties would otherwise stop everything. While
 * the disk is full, lines wait, and the process goes on. `onLost` is told how many lines found no room to wait, in
 * time for its own to be in their place.
 */
export function standardOutput(onLost: (lines: number) => void): DestinationStream {
  tellOfLost = onLost
  return { write: take }
}

function take(line: string): void {
  if (hasNoReader) return
  const bytes = Buffer.byteLength(line)
  if (waiting + bytes > waitingBytes) {
    lost++
    return
  }
  if (!endsInOrder) {
    endsInOrder = true
    process.once('exit', writeRest)
  }
  waiting += bytes
  const last = pieces.at(-1)
  if (last === undefined || last.length + bytes > pieceBytes) pieces.push(line)
  else pieces[pieces.length - 1] = last + line
  if (waiting >= writtenBytes && !isWaitingForRoom) writeNext()
  else writeSoon()
}

/** What nobody has begun to write. */
let pieces: string[] = []
/** What is being written, or what is left of it. */
let begun: Buffer = Buffer.alloc(0)
/** The bytes of both. */
let waiting = 0
/** The lines of which nobody was told that they are lost. */
let lost = 0
let tellOfLost: (lines: number) => void = () => undefined
let isWriting = false
let scheduled: NodeJS.Timeout | undefined
let isWaitingForRoom = false
let hasNoReader = false
let endsInOrder = false

/** What happens next while something is being written is decided when that is over. */
function writeSoon(milliseconds = longestWaitMilliseconds): void {
  if (!isWriting) scheduled ??= setTimeout(writeNext, milliseconds).unref()
}

function writeNext(): void {
  clearTimeout(scheduled)
  scheduled = undefined
  if (isWriting || waiting === 0) return
  if (begun.length === 0) begun = Buffer.from(pieces.shift() ?? '')
  isWriting = true
  write(descriptor, begun, (error, count) => {
    isWriting = false
    if (error === null) return goOn(count)
    if (error.code === 'EPIPE') return forget()
    isWaitingForRoom = true
    writeSoon(error.code === 'EAGAIN' ? readerMilliseconds : longestWaitMilliseconds)
  })
}

function goOn(written: number): void {
  isWaitingForRoom = false
  waiting -= written
  begun = begun.subarray(written)
  if (lost > 0 && waiting < waitingBytes - writtenBytes) {
    const lines = lost
    lost = 0
    tellOfLost(lines)
  }
  if (begun.length > 0 || waiting >= writtenBytes) writeNext()
  else if (waiting > 0) writeSoon()
}

/** Nobody will read any more. */
function forget(): void {
  hasNoReader = true
  pieces = []
  waiting = 0
}

/** Whatever another thread is writing stays with it. What cannot be written is lost: the process ends. */
function writeRest(): void {
  let rest = Buffer.concat([isWriting ? Buffer.alloc(0) : begun, Buffer.from(pieces.join(''))])
  let progress = performance.now()
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest))
      progress = performance.now()
    } catch (error) {
      const isBusy = (error as NodeJS.ErrnoException).code === 'EAGAIN'
      if (!isBusy || performance.now() - progress > endMilliseconds) return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}
