import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Place } from './chain.ts'
import { anchorsName } from './files.ts'
import { isSigned, type TrailKeys } from './signature.ts'

/** Where chains were when what came before was pruned: what is left of it, signed. */
interface AnchorRecord {
  readonly v: number
  readonly time: string
  /** The file that was removed. */
  readonly file: string
  readonly places: readonly Place[]
  readonly kid: string
}

/** Every place from which a chain may go on, by chain. */
export type AnchoredPlaces = ReadonlyMap<string, readonly Place[]>

/** What the anchors of a folder say. */
export interface Anchors {
  readonly places: AnchoredPlaces
  /** Lines that nobody with a key has signed, by their numbers. */
  readonly wrong: readonly number[]
}

/** Reads the anchors of a folder, as far as they are signed. */
export function readAnchors(folder: string, keys: TrailKeys): Anchors {
  const places = new Map<string, Place[]>()
  const wrong: number[] = []
  for (const [index, line] of readText(join(folder, anchorsName)).split('\n').entries()) {
    if (line === '') continue
    const record = read(line)
    const key = record && keys.get(record.kid)
    if (record === undefined || key === undefined || !isSigned(line, key)) {
      wrong.push(index + 1)
      continue
    }
    for (const place of record.places) places.set(place.chain, [...(places.get(place.chain) ?? []), place])
  }
  return { places, wrong }
}

/** The line of an anchor, unsigned. */
export function writeAnchor(record: AnchorRecord): string {
  return JSON.stringify(record)
}

function read(line: string): AnchorRecord | undefined {
  try {
    const record = JSON.parse(line) as AnchorRecord
    return record.v === 1 && Array.isArray(record.places) && typeof record.kid === 'string'
      ? record
      : undefined
  } catch {
    return undefined // told as a line that nobody has signed
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
