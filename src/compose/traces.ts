import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../telemetry/log.ts'
import type { Traces } from '../telemetry/trace-contract.ts'
import { version } from '../version.ts'

/**
 * Opens the traces of a configuration; undefined if it wants none, in which case none of their modules is
 * loaded.
 */
export async function openConfiguredTraces(
  { traces, tenant }: Config,
  { logger }: Log,
  clock: Clock,
): Promise<Traces | undefined> {
  const { endpoint } = traces
  if (endpoint === undefined) return undefined
  const { openTraces } = await import('../telemetry/traces.ts')
  return openTraces({
    ...traces,
    endpoint,
    version,
    tenant: tenant?.name,
    clock,
    onChange: (reason) =>
      reason === undefined
        ? logger.info({}, 'traces are sent again')
        : logger.warn({ reason }, `traces cannot be sent to traces.endpoint and are lost: ${reason}`),
  })
}
