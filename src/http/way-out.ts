import { LRUCache } from 'lru-cache'
import { type Clock, isRecent } from '../core/clock.ts'
import { reasonOf } from '../core/reason-of.ts'
import { FetchRefused, type SafeFetch } from './safe-fetch.ts'

/**
 * Whether the public internet can be reached: `absent` according to what the operator named, `doubtful`
 * according to other hosts.
 */
type WayOutState = 'there' | 'absent' | 'doubtful'

/**
 * Finds out whether the public internet can be reached, from fetches that happen anyway and from some of its
 * own.
 */
export interface WayOut {
  /** What is known. If nothing is known yet and the first attempt is running, waits for it. */
  state(): Promise<WayOutState>
  /** The same fetch, observed. `forApproved`: it is only used for clients that a user has approved. */
  watch(fetch: SafeFetch, options?: { readonly forApproved: boolean }): SafeFetch
  /**
   * Tries URLs that the operator named: now, at intervals while none of them answers, and when other hosts
   * raise doubts. It is enough if one answers. Returns a function that stops it.
   */
  keepTrying(urls: readonly string[], fetch: SafeFetch): () => void
}

interface WayOutOptions {
  readonly clock: Clock
  /** Called once when the way is lost, with the reason as far as it is known, and once when it is back. */
  readonly onChange: (state: WayOutState, reason: string) => void
  readonly pauseMilliseconds?: number
}

interface Attempt {
  readonly urls: readonly string[]
  readonly fetch: SafeFetch
  failure: string | undefined
}

const pause = 60_000
/** Without a URL to try, only another client shows whether a doubt is over. */
const doubtMilliseconds = 600_000
const keptHosts = 200

/** Starts with the assumption that the internet can be reached. */
export function watchWayOut({ clock, onChange, pauseMilliseconds = pause }: WayOutOptions): WayOut {
  const attempts = new Set<Attempt>()
  const running = new Map<Attempt, Promise<void>>()
  const knownHosts = new LRUCache<string, true>({ max: keptHosts })
  const failing = new Set<string>()
  let reaches = 0
  let hasLostKnown = false
  let doubtedAt: number | undefined
  let confirmedAt: number | undefined
  let isTold = false
  let timer: NodeJS.Timeout | undefined

  const isAbsent = (): boolean =>
    attempts.size > 0 && [...attempts].every(({ failure }) => failure !== undefined)

  const tell = (state: WayOutState, reason: string): void => {
    if (isTold !== (state === 'there')) return
    isTold = state !== 'there'
    onChange(state, reason)
  }

  const forget = (): void => {
    clearTimeout(timer)
    failing.clear()
    hasLostKnown = false
    doubtedAt = undefined
    for (const attempt of attempts) attempt.failure = undefined
  }

  const reach = (host: string, isKnown: boolean): void => {
    reaches += 1
    if (isKnown) knownHosts.set(host, true)
    forget()
    tell('there', host)
  }

  /**
   * Strangers choose these hosts. One dead host proves nothing. If any host was ever reached, even two prove
   * nothing, unless one of them was reached before for the operator or for a client that a user approved.
   * Otherwise anyone who names two dead hosts, one of which was up before, could make this server give up
   * what works. This cannot be done twice with a host that is down for good.
   */
  const miss = (host: string, reason: string): void => {
    if (failing.size < 2) failing.add(host)
    if (knownHosts.delete(host)) hasLostKnown = true
    if (failing.size < 2 || (reaches > 0 && !hasLostKnown)) return
    if (attempts.size === 0) {
      doubtedAt = clock.now()
      tell('doubtful', reason)
    } else if (
      !isAbsent() &&
      (confirmedAt === undefined || !isRecent(clock, confirmedAt, pauseMilliseconds))
    ) {
      confirmedAt = clock.now()
      void tryAll()
    }
  }

  const tryOne = async (url: string, fetch: SafeFetch): Promise<void> => {
    const { reached, reason } = await attemptFetch(() => fetch(url))
    const { host } = new URL(url)
    if (reached !== true) throw new Error(`${host}: ${reason}`)
    reach(host, true)
  }

  const tryLaterIfAbsent = (reason: string): void => {
    if (!isAbsent()) return
    tell('absent', reason)
    clearTimeout(timer)
    timer = setTimeout(() => void tryAll(), pauseMilliseconds).unref()
  }

  const tryUrls = async (attempt: Attempt): Promise<void> => {
    const before = reaches
    try {
      await Promise.any(attempt.urls.map((url) => tryOne(url, attempt.fetch)))
    } catch (error) {
      if (reaches > before || !attempts.has(attempt)) return
      attempt.failure = (error as AggregateError).errors.map(({ message }) => message).join(', ')
      tryLaterIfAbsent(attempt.failure)
    }
  }

  const start = (attempt: Attempt): Promise<void> => {
    const run = running.get(attempt) ?? tryUrls(attempt).finally(() => running.delete(attempt))
    running.set(attempt, run)
    return run
  }

  const tryAll = async (): Promise<void> => {
    await Promise.all([...attempts].map(start))
  }

  return {
    async state() {
      if (reaches === 0 && !isAbsent()) await Promise.all(running.values())
      if (isAbsent()) return 'absent'
      const isDoubted = doubtedAt !== undefined && isRecent(clock, doubtedAt, doubtMilliseconds)
      return isDoubted ? 'doubtful' : 'there'
    },
    watch: (fetch, options) => async (url) => {
      const attempt = await attemptFetch(() => fetch(url))
      const host = URL.parse(url)?.host ?? ''
      if (attempt.reached === true) reach(host, options?.forApproved === true)
      if (attempt.reached === false) miss(host, `${host}: ${attempt.reason}`)
      if ('error' in attempt) throw attempt.error
      return attempt.answer
    },
    keepTrying(urls, fetch) {
      if (urls.length === 0) return () => undefined
      const attempt: Attempt = { urls, fetch, failure: undefined }
      attempts.add(attempt)
      void start(attempt)
      return () => {
        attempts.delete(attempt)
        const [other] = attempts
        if (other !== undefined) return tryLaterIfAbsent(other.failure ?? '')
        // Nobody maintains what was found out with it any more.
        forget()
        isTold = false
      }
    },
  }
}

type Tried =
  | { readonly reached: true; readonly reason: string; readonly answer: Response }
  | { readonly reached: boolean | undefined; readonly reason: string; readonly error: unknown }

async function attemptFetch(fetch: () => Promise<Response>): Promise<Tried> {
  try {
    return { reached: true, reason: '', answer: await fetch() }
  } catch (error) {
    return {
      reached: error instanceof FetchRefused ? error.reached : undefined,
      reason: reasonOf(error),
      error,
    }
  }
}
