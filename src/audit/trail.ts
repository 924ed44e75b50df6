import type { Clock } from '../core/clock.ts'
import { Refusal } from '../core/errors.ts'
import { openAppender } from './append.ts'
import { unwritable } from './audit-unusable.ts'
import { beginChain } from './chain.ts'
import type { Recorder } from './contract.ts'
import type { AuditEvent, TrailEventName } from './event.ts'
import { findLastPlaces } from './last-places.ts'
import { signLine, type TrailSigner } from './signature.ts'

/** The trail of one process: a chain of events in the files of a folder. */
export interface Trail extends Recorder {
  /** Events that were never written, because there was no more room for them to wait. */
  readonly lost: number
  /** Calls back after events were written. */
  subscribe(listener: () => void): void
  /** Signs the current place of the chain, unless there was no event since the last signature. */
  checkpoint(): void
  /** Throws, for an operator, if no decision would be made because its event cannot be written. */
  checkReady(): void
  /** Ends the chain. Throws if events are left that cannot be written. */
  close(): Promise<void>
}

/** What a trail needs. */
export interface TrailOptions {
  readonly folder: string
  /** Included in each event, if it belongs to a tenant. */
  readonly tenant?: string | undefined
  readonly fileBytes: number
  readonly checkpointSeconds: number
  readonly whenUnwritable: 'continue' | 'refuse'
  /** The current signing key. */
  readonly signer: () => TrailSigner
  readonly clock: Clock
  /** The most that may wait while events cannot be written. */
  readonly waitingBytes?: number
  /** Called once for each period in which events cannot be written, and for events that are lost. */
  readonly onFault: (error: unknown) => void
}

const syncMilliseconds = 1000
/** How much may wait while writing is not possible: some tens of thousands of events. */
const defaultWaitingBytes = 32 * 1024 * 1024
const cannotWrite = 'events of the audit cannot be written'

/**
 * Opens the trail and begins a chain that names the last event of each chain in the folder, so that a removed
 * chain is noticed. Throws AuditUnusable if the folder cannot be written.
 */
export function openTrail(options: TrailOptions): Trail {
  const { folder, tenant, fileBytes, whenUnwritable, clock, onFault } = options
  const { waitingBytes = defaultWaitingBytes } = options
  const appender = openAppender({ folder, fileBytes, now: () => clock.now() })
  const chain = beginChain()
  const listeners = new Set<() => void>()
  let waiting = ''
  let scheduled = false
  let broken = false
  /** Whether it was told that the next events may find no room. */
  let cramped = false
  let closed = false
  let signedAt = -1
  /** When the first event came that no signature covers. */
  let unsignedSince: number | undefined
  let lost = 0
  let untold = 0
  const time = isoTime(clock)
  const whose = tenant === undefined ? '' : `"tenant":${JSON.stringify(tenant)},`
  const signMilliseconds = options.checkpointSeconds * 1000

  const own = (event: TrailEventName, members: object = {}): string =>
    JSON.stringify({ time: time(), tenant, event, ...members })
  const sign = (event: TrailEventName, members: object = {}): void => {
    const { kid, key } = options.signer()
    waiting += `${chain.nextSealed(own(event, { ...members, kid }), (line) => signLine(line, key))}\n`
    signedAt = chain.head.seq
    unsignedSince = undefined
  }

  const flush = (): void => {
    scheduled = false
    // After a failure, the timer tries again, and not each event.
    if (!broken) write()
  }
  const write = (): void => {
    if (waiting === '' && appender.waitingBytes === 0) return
    try {
      // What waits is passed on even if it cannot be written: it is kept there, in order.
      const lines = waiting
      waiting = ''
      appender.append(lines)
      if (untold > 0) tellOfGap()
      broken = false
    } catch (error) {
      if (!broken) onFault(new Error(cannotWrite, { cause: error }))
      broken = true
      return
    }
    for (const listener of listeners) listener()
  }
  const tellOfGap = (): void => {
    const line = chain.next(own('audit.gap', { lost: untold }))
    untold = 0
    appender.append(`${line}\n`)
  }

  const take = (event: AuditEvent): void => {
    if (closed || (broken && appender.waitingBytes + waiting.length > waitingBytes)) {
      if (untold === 0)
        onFault(new Error(`events of the audit are lost, the first of request ${event.requestId}`))
      lost++
      untold++
      return
    }
    const now = clock.now()
    unsignedSince ??= now
    // The timer may be late, which a verifier would take for a removed signature.
    if (now - unsignedSince >= signMilliseconds) sign('audit.checkpoint')
    unsignedSince ??= now
    waiting += `${chain.next(`{"time":"${time()}",${whose}${JSON.stringify(event).slice(1)}`)}\n`
  }
  const refuseWhereBroken = (): void => {
    if (broken && whenUnwritable === 'refuse') throw new Refusal('audit_unavailable', { reason: cannotWrite })
  }
  /** Looked at before each decision: what takes effect without its event cannot be taken back. */
  const refuseWhereCramped = (): void => {
    if (whenUnwritable !== 'refuse') return
    const was = cramped
    cramped = !appender.hasRoom()
    if (!cramped) return
    if (!was) onFault(new Error(`less than 1 MB is left for the audit in ${folder}: nothing is decided`))
    throw new Refusal('audit_unavailable', { reason: cannotWrite })
  }
  const commit = (event: AuditEvent): void => {
    take(event)
    flush()
    refuseWhereBroken()
  }
  const checkpoint = (): void => {
    if (chain.head.seq === signedAt) return
    sign('audit.checkpoint')
    flush()
  }

  sign('audit.begin', {
    pid: process.pid,
    every: options.checkpointSeconds,
    ...findLastPlaces(folder, options.signer()),
  })
  try {
    appender.append(waiting)
  } catch (error) {
    throw unwritable(folder, error)
  }
  waiting = ''

  const syncing = setInterval(() => {
    if (broken) write()
    appender.sync().catch(onFault)
  }, syncMilliseconds).unref()
  const signing = setInterval(checkpoint, signMilliseconds).unref()

  return {
    get lost() {
      return lost
    },
    record:
      whenUnwritable === 'refuse'
        ? commit
        : (event) => {
            take(event)
            if (scheduled) return
            scheduled = true
            setImmediate(flush)
          },
    commit,
    check() {
      refuseWhereBroken()
      refuseWhereCramped()
    },
    subscribe: (listener) => void listeners.add(listener),
    checkpoint,
    checkReady() {
      if (whenUnwritable !== 'refuse') return
      if (broken) throw new Error(cannotWrite)
      try {
        // If there was no request since, nobody has noticed yet.
        appender.probe()
        if (!appender.hasRoom()) throw new Error('less than 1 MB is left')
      } catch (error) {
        throw new Error(`${cannotWrite}: ${(error as Error).message}`, { cause: error })
      }
    },
    async close() {
      if (closed) return
      clearInterval(syncing)
      clearInterval(signing)
      sign('audit.end')
      closed = true
      write()
      await appender.sync().catch(onFault)
      appender.close()
      if (broken) throw new Error('the last events of the audit could not be written')
    },
  }
}

/** The time as ISO 8601 text, only recomputed when a millisecond has passed. */
function isoTime(clock: Clock): () => string {
  let at = Number.NaN
  let text = ''
  return () => {
    const now = clock.now()
    if (now === at) return text
    at = now
    text = new Date(now).toISOString()
    return text
  }
}
