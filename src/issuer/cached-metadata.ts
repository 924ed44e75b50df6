import type { Configuration } from 'openid-client'
import { type Clock, isRecent } from '../core/clock.ts'

/** An issuer's metadata, read when it is needed and again after a while. */
export type CachedMetadata = () => Promise<Configuration>

const keepMilliseconds = 3600_000
const retryMilliseconds = 5000

/**
 * Caches the result of `read`. All concurrent callers share one reading; a failed one is not repeated before
 * a moment has passed, and the previous result stays in use meanwhile.
 */
export function cacheMetadata(read: () => Promise<Configuration>, clock: Clock): CachedMetadata {
  let kept: { configuration: Configuration; readAt: number } | undefined
  let failure: { error: unknown; at: number } | undefined
  let reading: Promise<Configuration> | undefined

  const readAnew = async (): Promise<Configuration> => {
    try {
      const configuration = await read()
      kept = { configuration, readAt: clock.now() }
      failure = undefined
      return configuration
    } catch (error) {
      failure = { error, at: clock.now() }
      if (kept === undefined) throw error
      return kept.configuration
    } finally {
      reading = undefined
    }
  }

  return async () => {
    if (kept !== undefined && isRecent(clock, kept.readAt, keepMilliseconds)) return kept.configuration
    if (failure !== undefined && isRecent(clock, failure.at, retryMilliseconds)) {
      if (kept === undefined) throw failure.error
      return kept.configuration
    }
    reading ??= readAnew()
    return reading
  }
}
