import { createPublicKey } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { hashLine, type Place } from './chain.ts'
import type { RecordedEvent } from './event.ts'
import { filePaths, lineEnd } from './files.ts'
import { readEvent } from './read-event.ts'
import { isSigned, type TrailSigner } from './signature.ts'

/** What `audit.begin` says about the chains that it finds. */
export interface PromisedPlaces {
  /** The last event of all. */
  readonly after?: Place
  /** The last events of other chains. */
  readonly others?: readonly Place[]
}

/** A process should start quickly. */
const mostBytes = 32 * 1024 * 1024
/** Chain, number, hash, time, tenant and name of an event are within this length. */
const startLength = 256
/** The line that lists them has to fit into a datagram of syslog: 64 KB. */
const mostPlaces = 500
const chainOfStart = /^\{"v":1,"chain":"(?<chain>[\w-]+)"/

/**
 * Finds the current place of each chain in the last 32 MB of a folder. Except for the last event of all, a
 * place is left out if it is already promised there under the current signing key. Lines are untrusted; those
 * that are not events are skipped.
 */
export function findLastPlaces(folder: string, { kid, key }: TrailSigner): PromisedPlaces {
  const publicKey = createPublicKey(key)
  const last = new Map<string, Place>()
  const promised = new Set<string>()
  for (const bytes of linesFromEnd(filePaths(folder))) {
    const start = bytes.toString('latin1', 0, startLength)
    const chain = chainOfStart.exec(start)?.groups?.['chain']
    const isBegin = start.includes('"event":"audit.begin"')
    if (chain !== undefined && last.has(chain) && !isBegin) continue
    const line = bytes.toString()
    const event: (RecordedEvent & PromisedPlaces & { readonly kid?: string }) | undefined = readEvent(line)
    if (event === undefined) continue
    if (!last.has(event.chain))
      last.set(event.chain, { chain: event.chain, seq: event.seq, hash: hashLine(line) })
    // Otherwise, somebody without a key could make us leave out what they want to remove.
    if (isBegin && event.kid === kid && isSigned(line, publicKey))
      for (const place of promisesOf(event)) promised.add(`${place.chain} ${place.seq}`)
  }
  const [after, ...rest] = last.values()
  if (after === undefined) return {}
  const others = rest.filter(({ chain, seq }) => !promised.has(`${chain} ${seq}`)).slice(0, mostPlaces)
  return others.length === 0 ? { after } : { after, others }
}

/** The places that, according to a signed event, existed before it. */
export function promisesOf({ after, others = [] }: PromisedPlaces): readonly Place[] {
  return after === undefined ? others : [after, ...others]
}

/** Whole lines, last one first. Text after the last line break is not a line. */
function* linesFromEnd(paths: readonly string[]): Generator<Buffer> {
  let left = mostBytes
  for (const path of paths.toReversed()) {
    const bytes = readEnd(path, left)
    left -= bytes.length
    let end = bytes.lastIndexOf(lineEnd)
    while (end > 0) {
      const start = bytes.lastIndexOf(lineEnd, end - 1)
      yield bytes.subarray(start + 1, end)
      end = start
    }
    if (left <= 0) return
  }
}

/** The end of a file; nothing if it cannot be read, or was pruned in the meantime. */
function readEnd(path: string, most: number): Buffer {
  try {
    const descriptor = openSync(path, 'r')
    try {
      const { size } = fstatSync(descriptor)
      const bytes = Buffer.alloc(Math.min(size, most))
      return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, size - bytes.length))
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return Buffer.alloc(0) // verification reports it
  }
}
