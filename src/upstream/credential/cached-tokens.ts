import { LRUCache } from 'lru-cache'
import { atMost } from '../../core/at-most.ts'
import { type Clock, isRecent } from '../../core/clock.ts'
import { Refusal } from '../../core/errors.ts'
import type { GivenToken } from './token-client.ts'

/** Tokens of a token server, as the headers that carry them, keyed by who they are for. */
export interface CachedTokens {
  /** What is cached, or what `fetch` returns. Concurrent calls with the same key share one fetch. */
  find(key: string, fetch: () => Promise<GivenToken>): readonly string[] | Promise<readonly string[]>
  /** Forgets these headers, unless there are newer ones by now. */
  drop(key: string, headers: readonly string[]): void
}

interface Known {
  readonly headers: readonly string[]
  /**
   * When it was requested, in milliseconds since the epoch, like `at`, and for how many milliseconds from
   * then on it is good.
   */
  readonly asked: number
  readonly goodFor: number
}

interface Failure {
  readonly refusal: Refusal
  readonly at: number
}

const maxTokens = 10_000
/**
 * A token is renewed this long before its expiry, or a tenth of its lifetime before, since it has to arrive
 * while it is valid.
 */
const renewSeconds = 60
/** How long a token server that failed is left alone. */
const pauseMilliseconds = 1000

/** Builds the cache. It holds ten thousand tokens and drops the least recently used ones. */
export function cachedTokens(clock: Clock): CachedTokens {
  const known = new LRUCache<string, Known>(atMost(maxTokens))
  const failed = new LRUCache<string, Failure>(atMost(maxTokens))
  const running = new Map<string, Promise<readonly string[]>>()

  const fetchAnew = async (key: string, fetch: () => Promise<GivenToken>): Promise<readonly string[]> => {
    const asked = clock.now()
    try {
      const { token, lifetimeSeconds } = await fetch()
      const seconds = lifetimeSeconds - Math.min(renewSeconds, lifetimeSeconds / 10)
      const headers = ['Authorization', `Bearer ${token}`]
      known.set(key, { headers, asked, goodFor: seconds * 1000 })
      failed.delete(key)
      return headers
    } catch (error) {
      if (error instanceof Refusal) {
        failed.set(key, { refusal: error, at: clock.now() })
      }
      throw error
    } finally {
      running.delete(key)
    }
  }

  return {
    find(key, fetch) {
      const cached = known.get(key)
      if (cached !== undefined && isRecent(clock, cached.asked, cached.goodFor)) return cached.headers
      const failure = failed.get(key)
      if (failure !== undefined && isRecent(clock, failure.at, pauseMilliseconds))
        return Promise.reject(failure.refusal)
      const fetched = running.get(key) ?? fetchAnew(key, fetch)
      running.set(key, fetched)
      return fetched
    },
    drop(key, headers) {
      if (known.peek(key)?.headers === headers) known.delete(key)
    },
  }
}
