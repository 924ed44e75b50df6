import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { reasonOf } from '../core/reason-of.ts'
import { keyedDigest, type MasterSecret } from '../core/secret.ts'
import type { WorkerPlace } from '../core/worker-place.ts'
import type { OpenRateLimit } from '../limits/contract.ts'
import { countWith, inMemory, type MakeLimiter } from '../limits/count.ts'
import { fallBack } from '../limits/fall-back.ts'
import { inPrimary } from '../limits/in-primary.ts'
import { countInRedis, type RedisListeners } from '../limits/in-redis.ts'
import type { Log } from '../telemetry/log.ts'

/** Where this process counts rates. */
export interface Rates {
  readonly rateLimit: OpenRateLimit
  readonly close: () => void
}

interface RatePorts {
  readonly place: WorkerPlace | undefined
  readonly secret: MasterSecret
  readonly clock: Clock
  readonly log: Log
}

/**
 * Opens the place where rates are counted: the configured Redis, or else the primary for all workers of this
 * machine, or else this process. While one does not answer, the next of these counts.
 */
export async function openRates({ limits, tenant }: Config, ports: RatePorts): Promise<Rates> {
  const { place, secret, clock, log } = ports
  /** Tenants share the primary and Redis, but no counts. */
  const own = (make: MakeLimiter): MakeLimiter =>
    tenant === undefined ? make : (bound) => make({ ...bound, name: `${tenant.name}/${bound.name}` })
  const inProcess = countWith(own(inMemory))
  const alone =
    place === undefined
      ? inProcess
      : fallBack({
          shared: countWith(own(inPrimary)),
          alone: inProcess,
          clock,
          onChange: (reason) =>
            reason === undefined
              ? log.logger.info({}, 'limits are counted in the primary again')
              : log.logger.warn(
                  { reason },
                  'the primary does not answer: this worker counts limits alone until it does',
                ),
        })
  if (limits.redis === undefined) return { rateLimit: alone, close: () => undefined }
  const redis = await countInRedis(limits.redis, tellOfConnection(log))
  // Keys are names and addresses of people.
  const shared = countWith(own(redis.make), keyedDigest(secret.derive('limits')))
  const where = place === undefined ? 'each process' : 'each machine'
  const onChange = (reason: string | undefined): void =>
    reason === undefined
      ? log.logger.info({}, 'limits are counted in Redis again')
      : log.logger.warn(
          { reason },
          `limits.redis cannot be used (${reason}): ${where} counts alone until it can`,
        )
  return { rateLimit: fallBack({ shared, alone, clock, onChange }), close: redis.close }
}

/** It is tried again every second or two: each reason for which that fails is told once, until it succeeds. */
function tellOfConnection({ logger }: Log): RedisListeners {
  const told = new Set<string>()
  return {
    onFault(error) {
      const reason = reasonOf(error)
      if (told.has(reason)) return
      told.add(reason)
      logger.warn({ reason }, `no connection to the Redis of limits.redis: ${reason}`)
    },
    onConnect: () => told.clear(),
  }
}
