import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unreadable } from './audit-unusable.ts'
import type { Place } from './chain.ts'
import { anchorsName } from './files.ts'
import { isSigned, signLine, type TrailKeys, type TrailSigner } from './signature.ts'

/** Where chains stood when earlier events were pruned: what is left of those, signed. */
interface AnchorRecord {
  readonly v: number
  readonly time: string
  /** The file that was removed, or the table from which events were removed. */
  readonly file: string
  readonly places: readonly Place[]
  readonly kid: string
}

/** Every place from which a chain may continue, by chain. */
export type AnchoredPlaces = ReadonlyMap<string, readonly Place[]>

/** What the anchors of a folder say. */
export interface Anchors {
  readonly places: AnchoredPlaces
  /** The numbers of lines that no known key has signed. */
  readonly wrong: readonly number[]
}

/** Reads the anchors of a folder, as far as they are signed. Throws AuditUnusable. */
export function readAnchors(folder: string, keys: TrailKeys): Anchors {
  return anchorsOf(readText(join(folder, anchorsName)).split('\n'), keys)
}

/** Reads lines of anchors, as far as they are signed. The lines are untrusted. */
export function anchorsOf(lines: readonly string[], keys: TrailKeys): Anchors {
  const places = new Map<string, Place[]>()
  const wrong: number[] = []
  for (const [index, line] of lines.entries()) {
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

/** The line of an anchor, signed. */
export function writeAnchor(
  { file, places, now }: Pick<AnchorRecord, 'file' | 'places'> & { readonly now: number },
  { kid, key }: TrailSigner,
): string {
  const record: AnchorRecord = { v: 1, time: new Date(now).toISOString(), file, places, kid }
  return signLine(JSON.stringify(record), key)
}

function read(line: string): AnchorRecord | undefined {
  try {
    const record = JSON.parse(line) as AnchorRecord
    return record.v === 1 && Array.isArray(record.places) && typeof record.kid === 'string'
      ? record
      : undefined
  } catch {
    return undefined // reported as a line that nobody has signed
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw unreadable(path, error)
  }
}
