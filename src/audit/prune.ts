import { closeSync, fsyncSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { readAnchors, writeAnchor } from './anchors.ts'
import { anchorsName, endOfFile, listFiles } from './files.ts'
import { firstEvidence, writeSpot } from './findings.ts'
import { openFile, takeBack } from './folder-file.ts'
import { readLines } from './read-lines.ts'
import type { TrailKeys, TrailSigner } from './signature.ts'
import { type Verification, verifyTrail } from './verify.ts'

interface PruneOptions {
  readonly folder: string
  /** What ended before this time is removed: milliseconds since the epoch. */
  readonly before: number
  readonly keys: TrailKeys
  readonly signer: TrailSigner
  readonly now: number
  /** Whether every sink has received all of a file. */
  readonly isDelivered: (name: string) => boolean
}

/**
 * Removes files that are old enough, oldest first, and keeps a signed record of where their chains were, so
 * that the rest can be verified. Stops at a file that a sink has not received yet. Yields the name of each, once
 * it is gone. Throws at a file that does not verify, since evidence of tampering must not disappear, and at one with
 * recent events. Events that were lost, as the trail itself says, are no evidence.
 */
export async function* pruneTrail(options: PruneOptions): AsyncGenerator<string> {
  const { folder, before, keys, signer, isDelivered } = options
  for (const name of listFiles(folder).slice(0, -1)) {
    if (endOfFile(name) > before || !isDelivered(name)) break
    const path = join(folder, name)
    const anchors = readAnchors(folder, keys).places
    const verified = await verifyTrail(readLines([path]), { keys, anchors })
    const finding = firstEvidence(verified)
    const reason =
      finding === undefined ? whyRecent(verified, before) : `${writeSpot(finding)} ${finding.message}`
    if (reason !== undefined) throw new Error(`${name} is old enough to be removed, but stays: ${reason}`)
    const anchor = writeAnchor({ file: name, places: verified.heads, now: options.now }, signer)
    appendAnchor(folder, Buffer.from(`${anchor}\n`))
    rmSync(path)
    yield name
  }
}

/** By its name it is old, but whoever can give it another name must not get rid of it. */
function whyRecent({ latest }: Pick<Verification, 'latest'>, before: number): string | undefined {
  return Date.parse(latest) >= before ? `an event in it is of ${latest}` : undefined
}

/** The anchor is on disk before the events that it replaces are gone. */
function appendAnchor(folder: string, line: Buffer): void {
  const { descriptor } = openFile(folder, anchorsName)
  let written = 0
  try {
    while (written < line.length) written += writeSync(descriptor, line, written)
    fsyncSync(descriptor)
  } catch (error) {
    takeBack(descriptor, line.subarray(0, written))
    throw error
  } finally {
    closeSync(descriptor)
  }
}
