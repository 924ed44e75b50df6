import type { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { limiterOptions, type MakeLimiter } from './count.ts'

/** A Redis in which the processes of all machines count together. */
export interface RedisCounter {
  readonly make: MakeLimiter
  readonly close: () => void
}

const connectMilliseconds = 2000
/** A limit must not delay a request for long. */
const commandMilliseconds = 300
/** After this long without a word, another connection is opened: a network may have forgotten this one. */
const silenceMilliseconds = 2000
const longestRetryMilliseconds = 2000

/** Who hears of the connection. */
export interface RedisListeners {
  /** Called with each failure to connect. */
  readonly onFault: (error: Error) => void
  readonly onConnect: () => void
}

/**
 * Connects to a Redis, and again whenever the connection is lost. Does not wait for it: counting while it is
 * unavailable fails. `url` may contain a password and is never shown.
 */
export async function countInRedis(
  url: string,
  { onFault, onConnect }: RedisListeners,
): Promise<RedisCounter> {
  // Loaded only where it is used.
  const { Redis: Connection } = await import('ioredis')
  const storeClient: Redis = new Connection(url, {
    connectionName: 'portcullis',
    connectTimeout: connectMilliseconds,
    commandTimeout: commandMilliseconds,
    socketTimeout: silenceMilliseconds,
    enableOfflineQueue: false,
    // It would ask with INFO, which users of Redis are often not permitted, and say so past the log.
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(times * 100, longestRetryMilliseconds),
    // Another server has taken over, and a new connection leads there.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  })
  storeClient.on('error', onFault)
  storeClient.on('ready', onConnect)
  return {
    make: (bound) =>
      new RateLimiterRedis({ ...limiterOptions(bound), storeClient, rejectIfRedisNotReady: true }),
    close: () => storeClient.disconnect(),
  }
}
