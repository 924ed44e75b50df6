import type { Trail } from '../audit/trail.ts'
import { type StepUps, stepUps } from '../authorization-server/consent/step-up.ts'
import type { Config } from '../config/schema.ts'
import { type Clock, isRecent } from '../core/clock.ts'
import { type ResourceDirectory, resourceDirectory } from '../core/protected-resource.ts'
import { openPulse, type Pulse } from '../core/pulse.ts'
import type { MasterSecret } from '../core/secret.ts'
import { hostsOf, type Site, siteOf } from '../core/site.ts'
import { StoreAway, storeAwaySeconds } from '../core/store-away.ts'
import type { WorkerPlace } from '../core/worker-place.ts'
import type { ProxyHint } from '../http/client-address.ts'
import { createGuard, type Guard } from '../http/guard.ts'
import type { WayOut } from '../http/way-out.ts'
import { type KeyRing, openKeyRing } from '../keys/key-ring.ts'
import { tokenKeyPurposes } from '../keys/key-states.ts'
import type { OpenRateLimit } from '../limits/contract.ts'
import type { Store } from '../storage/contract.ts'
import type { SharedDatabase } from '../storage/database/open-database.ts'
import type { Observe } from '../telemetry/event.ts'
import { createLog, type Log } from '../telemetry/log.ts'
import { createMetrics, type Metrics } from '../telemetry/metrics.ts'
import { scrub } from '../telemetry/scrub.ts'
import type { Traces } from '../telemetry/trace-contract.ts'
import { type Traffic, watchTraffic } from '../telemetry/traffic.ts'
import { version } from '../version.ts'
import { openAudit } from './audit.ts'
import { openProxyHint } from './proxy-hint.ts'
import { openRates } from './rates.ts'
import { openConfiguredStore } from './store.ts'
import { openConfiguredTraces } from './traces.ts'
import { protectedResources } from './upstream-policy.ts'
import { openWayOut } from './way-out.ts'

/** What every part of an installation needs. */
export interface Base {
  readonly clock: Clock
  /** When to look for what other processes have done. */
  readonly pulse: Pulse
  readonly secret: MasterSecret
  readonly store: Store
  /** The database that the stores of tenants share; undefined for an embedded store. */
  readonly database: SharedDatabase | undefined
  readonly log: Log
  readonly metrics: Metrics
  readonly traffic: Traffic
  readonly observe: Observe
  /** Where every decision is recorded. */
  readonly trail: Trail
  /** Undefined if the operator wants none. */
  readonly traces: Traces | undefined
  readonly onFault: (error: unknown) => void
  readonly site: Site
  readonly guard: Guard
  readonly resources: ResourceDirectory
  /** The keys of access tokens. */
  readonly tokenKeys: KeyRing
  /** The keys of the tokens that identify the gateway to MCP servers. */
  readonly identityKeys: KeyRing
  readonly stepUps: StepUps
  readonly rateLimit: OpenRateLimit
  /** Whether this process can reach the public internet. */
  readonly wayOut: WayOut
  /** Is told of a proxy that was not configured. */
  readonly proxyHint: ProxyHint
  /** Set in a worker. */
  readonly place: WorkerPlace | undefined
  /** Resolves when requests can be served. */
  readonly checkReady: () => Promise<void>
  readonly close: () => Promise<void>
}

/** What a process shares between everything that it opens. */
export interface BaseOptions {
  readonly clock: Clock
  /** Default: standard output. */
  readonly logTo: NodeJS.WritableStream | undefined
  readonly place: WorkerPlace | undefined
  /** A log that is already open, to use instead of a new one, and whatever else is shared. */
  readonly log?: Log | undefined
  readonly wayOut?: WayOut | undefined
  readonly proxyHint?: ProxyHint | undefined
  readonly database?: SharedDatabase | undefined
  /** Called before a store of an earlier version is brought to this one. */
  readonly onUpgrade?: (() => void) | undefined
}

/**
 * Opens secret, store, keys, log, metrics and audit. Throws problems that an operator can fix, and then
 * leaves nothing open.
 */
export async function openBase(config: Config, options: BaseOptions): Promise<Base> {
  const { clock, logTo, place } = options
  const log = options.log ?? createLog({ ...config.log, destination: logTo, worker: place?.index })
  const metrics = createMetrics(version, config.tenant?.name)
  const traffic = watchTraffic(clock)
  const outage = tellOfOutages(log, clock)
  const onFault = (error: unknown): void =>
    error instanceof StoreAway ? outage.goesOn(error) : log.logger.error({ err: error }, 'fault')
  const { store, secret, database } = await openConfiguredStore(config, clock, {
    onFault,
    database: options.database,
    onUpgrade: options.onUpgrade,
  })
  /** What has been opened so far is closed in reverse order. */
  const closers: (() => unknown)[] = [() => store.close()]
  const close = async (): Promise<void> => {
    for (const end of closers.toReversed()) await end()
  }
  try {
    const traces = await openConfiguredTraces(config, log, clock)
    closers.push(() => traces?.close().catch(onFault))
    const rates = await openRates(config, { place, secret, clock, log })
    closers.push(rates.close)
    const audit = await openAudit(config, { store, clock, onFault, onSink: tellOfSinks(log) })
    closers.push(() => audit.close().catch(onFault))
    metrics.watchAudit({ lost: () => audit.trail.lost, waiting: audit.waiting })
    const site = siteOf(config.publicUrl)
    const [tokenKeys, identityKeys] = await openKeys(config, store, clock)
    const pulse = database?.pulse ?? openPulse()
    const rings = [tokenKeys, identityKeys, audit.keys]
    closers.push(watchKeys(rings, { pulse, log, onFault, onSuccess: outage.isOver }))
    return {
      clock,
      pulse,
      secret,
      store,
      database,
      log,
      metrics,
      traffic,
      traces,
      observe(event) {
        log.request(event)
        metrics.request(event)
        traffic.request(event)
      },
      trail: audit.trail,
      onFault,
      site,
      guard: buildGuard(config, site),
      resources: buildResources(config, site),
      tokenKeys,
      identityKeys,
      stepUps: stepUps(store.artifacts, clock),
      rateLimit: rates.rateLimit,
      wayOut: options.wayOut ?? openWayOut(log, clock),
      proxyHint: options.proxyHint ?? openProxyHint(log),
      place,
      async checkReady() {
        audit.trail.checkReady()
        await store.revocations.has('token', 'readiness')
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * A sink that is down is not an internal error, and nothing is lost, so only its beginning and end are
 * logged.
 */
function tellOfSinks({ logger }: Log): (sink: string, failure: unknown) => void {
  return (sink, failure) => {
    if (failure === undefined) logger.info({ sink }, `the audit reaches ${sink} again`)
    else {
      const reason = scrub((failure as Error).message)
      logger.warn(
        { sink, reason },
        `the audit cannot reach ${sink}, and keeps its events until it can: ${reason}`,
      )
    }
  }
}

async function openKeys(config: Config, store: Store, clock: Clock): Promise<readonly [KeyRing, KeyRing]> {
  const [tokens, identity] = tokenKeyPurposes(config.tokens.signingAlgorithm)
  const ports = { store: store.keys, clock }
  return [await openKeyRing({ ...ports, ...tokens }), await openKeyRing({ ...ports, ...identity })]
}

interface Outages {
  readonly goesOn: (error: StoreAway) => void
  readonly isOver: () => void
}

/**
 * Much looks into the store every second: each reason for which it cannot is told once, and when it can again. A
 * store that can be read may still refuse what is written, so that nobody else may have failed for a while.
 */
function tellOfOutages({ logger }: Log, clock: Clock): Outages {
  const told = new Set<string>()
  let failedAt = Number.NEGATIVE_INFINITY
  return {
    goesOn({ message: reason }) {
      failedAt = clock.now()
      if (told.has(reason)) return
      told.add(reason)
      logger.warn({ reason }, `${reason} (it is tried again)`)
    },
    isOver() {
      if (told.size === 0 || isRecent(clock, failedAt, storeAwaySeconds * 1000)) return
      told.clear()
      logger.info('the store can be reached again')
    },
  }
}

interface KeyWatch {
  readonly pulse: Pulse
  readonly log: Log
  readonly onFault: (error: unknown) => void
  /** Called each time the store has answered. */
  readonly onSuccess: () => void
}

/** Notices within a second what the command line or another process has done to the keys. */
function watchKeys(rings: readonly KeyRing[], { pulse, log, onFault, onSuccess }: KeyWatch): () => void {
  for (const ring of rings) {
    ring.subscribe(() => {
      const keys = { signing: ring.signing.kid, published: ring.publicJwks.keys.map(({ kid }) => kid) }
      log.logger.info(keys, `the signing keys have changed: ${keys.signing} signs`)
    })
  }
  let looking = false
  let stopped = false
  const refresh = async (): Promise<void> => {
    // A store that answers slowly would be asked by more and more.
    if (looking) return
    looking = true
    try {
      await Promise.all(rings.map((ring) => ring.refresh()))
      onSuccess()
    } catch (error) {
      // The store is closed after this has stopped.
      if (!stopped) onFault(error)
    }
    looking = false
  }
  const stop = pulse(() => void refresh())
  return () => {
    stopped = true
    stop()
  }
}

/** The same base for another configuration, as far as a base can change while it is open. */
export function adaptBase(base: Base, config: Config): Base {
  const { site } = base
  return { ...base, guard: buildGuard(config, site), resources: buildResources(config, site) }
}

function buildResources(config: Config, site: Site): ResourceDirectory {
  return resourceDirectory(protectedResources(config, site.url), site)
}

function buildGuard(config: Config, { origins }: Site): Guard {
  return createGuard({
    hosts: [...origins.flatMap(hostsOf), ...config.allowedHosts.map((name) => name.toLowerCase())],
    origins: [...origins, ...config.cors.origins],
    anyLoopbackOrigin: config.mode === 'development',
  })
}
