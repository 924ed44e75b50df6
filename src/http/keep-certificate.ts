import { stat } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'

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
 * Switches to a new certificate when its files change, and keeps the old one if the new one is invalid. The
 * files are polled, since that also detects files that were renamed into place and redirected links. A
 * problem is reported only if two checks in a row find it, because two files are never replaced at the same
 * instant. A nearing expiry is reported once a day.
 */
export function keepCertificate<P extends Pair>(ports: KeeperPorts<P>): CertificateKeeper {
  const { files, log, clock, onFault, everyMs = lookMilliseconds } = ports
  const [file = ''] = files
  let { pair } = ports
  let seen: string | undefined
  let isBad = false
  let told: string | undefined
  let warnedAt = Number.NEGATIVE_INFINITY
  let stopped = false

  async function look(asked: boolean): Promise<void> {
    const state = await describeFiles(files)
    if (stopped) return
    const settled = state === seen
    seen = state
    if (asked || isBad || !settled) takeUp(asked, settled)
    warnOfEnd()
  }

  function takeUp(asked: boolean, settled: boolean): void {
    const read = ports.read()
    isBad = typeof read === 'string'
    if (typeof read === 'string') {
      if (!asked && (!settled || told === read)) return
      told = read
      log.warn({ reason: read }, `the new certificate is not used, the old one still is: ${read}`)
      return
    }
    told = undefined
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
    const days = Math.floor(left / dayMilliseconds)
    const when =
      left <= 0 ? 'has expired, and clients refuse it' : `expires in ${days === 1 ? 'a day' : `${days} days`}`
    const facts = { validUntil: new Date(pair.validUntil).toISOString() }
    log.warn(facts, `the certificate in ${file} ${when} (${writeEnd(pair)}): renew it, no restart is needed`)
  }

  const quietly = (): void => void look(false).catch(onFault)
  const timer = setInterval(quietly, everyMs).unref()
  quietly()
  return {
    reload: () => look(true).catch(onFault),
    stop() {
      stopped = true
      clearInterval(timer)
    },
  }
}

/** Everything that changes when a file is written, replaced, or reached through another link. */
async function describeFiles(files: readonly string[]): Promise<string> {
  const states = files.map(async (file) => {
    const found = await stat(file, { bigint: true }).catch(() => undefined)
    return found && [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
  })
  return (await Promise.all(states)).join('\n')
}

function writeEnd({ validUntil }: Pair): string {
  return `valid until ${new Date(validUntil).toISOString().slice(0, 10)}`
}
