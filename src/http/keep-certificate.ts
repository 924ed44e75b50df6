import type { Clock } from '../core/clock.ts'
import { watchFiles } from './watch-files.ts'

/** A certificate with its private key, in the form that TLS takes. */
interface Pair {
  readonly cert: string
  readonly key: string
  /** Milliseconds since the Unix epoch. */
  readonly validUntil: number
}

interface KeeperPorts<P extends Pair> {
  /** The files that the pair comes from. */
  readonly files: readonly string[]
  /** The initial pair. */
  readonly pair: P
  /** Reads the files. Returns a valid pair, or what is wrong with it. */
  readonly read: () => P | string
  /** Starts to use another pair. */
  readonly use: (pair: P) => void
  readonly log: Record<'info' | 'warn', (facts: object, message: string) => void>
  readonly clock: Clock
  /** Called with unexpected errors. */
  readonly onFault: (error: unknown) => void
  /** Milliseconds between two checks of the files. */
  readonly everyMs?: number
}

/** Keeps the certificate of a listener up to date. */
export interface CertificateKeeper {
  /** Checks the files at once, and logs the result even if nothing has changed. */
  readonly reload: () => Promise<void>
  readonly stop: () => void
}

const lookMilliseconds = 2000
const dayMilliseconds = 24 * 3600 * 1000
const warnMilliseconds = 14 * dayMilliseconds

/**
 * Switches to a new certificate when its files change, and keeps the old one if the new one is invalid: until
 * it is valid, it is tried again at intervals. A nearing expiry is reported once a day.
 */
export function keepCertificate<P extends Pair>(ports: KeeperPorts<P>): CertificateKeeper {
  const { files, log, clock, onFault, everyMs = lookMilliseconds } = ports
  const [file = ''] = files
  let { pair } = ports
  /** What was reported about the pair in the files; undefined if it is in use. */
  let problem: string | undefined
  let warnedAt = Number.NEGATIVE_INFINITY

  function takeUp({ asked }: { readonly asked: boolean }): void {
    const read = ports.read()
    if (typeof read === 'string') {
      if (!asked && problem === read) return
      problem = read
      log.warn({ reason: read }, `the new certificate is not used, the old one still is: ${read}`)
      return
    }
    problem = undefined
    const until = { validUntil: new Date(read.validUntil).toISOString() }
    if (read.cert === pair.cert && read.key === pair.key) {
      if (asked)
        log.info(until, `the certificate in ${file} has not changed: it is in use, ${writeEnd(read)}`)
      return
    }
    ports.use(read)
    pair = read
    warnedAt = Number.NEGATIVE_INFINITY
    log.info(until, `the new certificate in ${file} is in use, ${writeEnd(read)}`)
  }

  function warnOfEnd(): void {
    const now = clock.now()
    const left = pair.validUntil - now
    if (left > warnMilliseconds || now - warnedAt < dayMilliseconds) return
    warnedAt = now
    const when = left <= 0 ? 'has expired, and clients refuse it' : `expires in ${writeDays(left)}`
    const facts = { validUntil: new Date(pair.validUntil).toISOString() }
    log.warn(facts, `the certificate in ${file} ${when} (${writeEnd(pair)}): renew it, no restart is needed`)
  }

  function tend(): void {
    if (problem !== undefined) takeUp({ asked: false })
    warnOfEnd()
  }

  const safely = (act: () => void): void => {
    try {
      act()
    } catch (error) {
      onFault(error)
    }
  }
  const timer = setInterval(() => safely(tend), everyMs).unref()
  const stopWatching = watchFiles({
    files,
    onChange: () => safely(() => takeUp({ asked: false })),
    everyMs,
  })
  safely(tend)
  return {
    async reload() {
      safely(() => takeUp({ asked: true }))
    },
    stop() {
      stopWatching()
      clearInterval(timer)
    },
  }
}

function writeDays(milliseconds: number): string {
  const days = Math.floor(milliseconds / dayMilliseconds)
  if (days === 0) return 'less than a day'
  return days === 1 ? 'a day' : `${days} days`
}

function writeEnd({ validUntil }: Pair): string {
  return `valid until ${new Date(validUntil).toISOString().slice(0, 10)}`
}
