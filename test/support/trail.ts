import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readAnchors } from '../../src/audit/anchors.ts'
import type { AuditEvent } from '../../src/audit/event.ts'
import { filePaths } from '../../src/audit/files.ts'
import { pruneTrail } from '../../src/audit/prune.ts'
import { readLines } from '../../src/audit/read-lines.ts'
import type { TrailKeys, TrailSigner } from '../../src/audit/signature.ts'
import { openTrail, type Trail, type TrailOptions } from '../../src/audit/trail.ts'
import { type Verification, verifyTrail } from '../../src/audit/verify.ts'
import { type MovableClock, movableClock } from './movable-clock.ts'

/** A folder of events with the key that signs them. */
export interface TrailFolder {
  readonly folder: string
  readonly clock: MovableClock
  readonly keys: TrailKeys
  readonly signer: () => TrailSigner
  readonly faults: unknown[]
  open(options?: Partial<TrailOptions>): Trail
  verify(keys?: TrailKeys): Promise<Verification>
  /** The lines of all files. */
  lines(): string[]
  /** Removes files that ended before a time, by default all but the last one. Returns their names. */
  prune(before?: number): Promise<string[]>
  /** Rewrites the lines of the only file. */
  rewrite(change: (lines: string[]) => string[]): void
}

/** Makes an empty folder of events. */
export function makeTrailFolder(): TrailFolder {
  const folder = join(mkdtempSync(join(tmpdir(), 'portcullis-audit-')), 'audit')
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const keys: TrailKeys = new Map([['k1', publicKey]])
  const clock = movableClock()
  clock.advance(Date.UTC(2026, 10, 27, 12) - clock.now())
  const faults: unknown[] = []
  const signer = (): TrailSigner => ({ kid: 'k1', key: privateKey })
  const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return {
    folder,
    clock,
    keys,
    signer,
    faults,
    open: (options = {}) =>
      openTrail({
        folder,
        fileBytes: 1024 * 1024,
        checkpointSeconds: 60,
        whenUnwritable: 'continue',
        signer,
        clock,
        onFault: (error) => faults.push(error),
        ...options,
      }),
    verify: (trusted = keys) =>
      verifyTrail(readLines(filePaths(folder), { isLive: true }), {
        keys: trusted,
        anchors: readAnchors(folder, trusted).places,
      }),
    lines: () => filePaths(folder).flatMap(linesOf),
    async prune(before = Number.POSITIVE_INFINITY) {
      const options = { folder, before, keys, signer: signer(), now: clock.now(), isDelivered: () => true }
      const removed: string[] = []
      for await (const name of pruneTrail(options)) removed.push(name)
      return removed
    },
    rewrite(change) {
      const [path, ...others] = filePaths(folder)
      if (path === undefined || others.length > 0) throw new Error('there is more than one file')
      writeFileSync(
        path,
        change(linesOf(path))
          .map((line) => `${line}\n`)
          .join(''),
      )
    },
  }
}

/** An event that a test can distinguish from others. */
export function someEvent(object: string): AuditEvent {
  return {
    event: 'mcp.call',
    outcome: 'allowed',
    subject: 'ada',
    upstream: 'files',
    method: 'tools/call',
    object,
  }
}
