import { ConfigurationInvalid } from '../config/problems.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { fetchProblem } from '../http/safe-fetch.ts'
import { type WayOut, watchWayOut } from '../http/way-out.ts'
import type { Log } from '../telemetry/log.ts'
import { scrub } from '../telemetry/scrub.ts'

/** More hosts than this would tell nothing new. */
const triedHosts = 8

const effects = {
  absent: 'client ID metadata documents are not announced',
  doubtful:
    'client ID metadata documents are not announced for ten minutes where clients can register themselves',
}
const fix =
  'let this machine reach DNS and port 443, or set registration.documents.enabled to false; registration.documents.probe is what is tried'

/** Observes for a whole process whether the public internet can be reached, and logs when that changes. */
export function openWayOut({ logger }: Pick<Log, 'logger'>, clock: Clock): WayOut {
  return watchWayOut({
    clock,
    onChange(state, told) {
      const reason = scrub(told)
      if (state === 'there')
        logger.info(
          { host: reason },
          `client ID metadata documents are announced again: ${reason} was reached`,
        )
      else
        logger.warn({ reason }, `${effects[state]}, since there seems to be no way out (${reason}): ${fix}`)
    },
  })
}

/**
 * The URLs that must be reachable according to the operator. Throws ConfigurationInvalid for those that are
 * never fetched.
 */
export function documentProbes(
  { mode, registration: { documents } }: Config,
  options: { readonly allowLoopback: boolean },
): string[] {
  const { enabled, probe, allowedHosts = [] } = documents
  if (!enabled) return []
  if (probe === undefined)
    return mode === 'production' ? allowedHosts.slice(0, triedHosts).map((host) => `https://${host}/`) : []
  const problem = fetchProblem(probe, options)
  if (problem !== undefined) {
    const message = `is never fetched, since ${problem}: name a document on the public internet, at port 443`
    throw new ConfigurationInvalid([{ path: 'registration.documents.probe', message }])
  }
  return [probe]
}
