import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { RequestEvent } from './event.ts'
import { tally } from './tally.ts'

/** Metrics as Prometheus reads them. */
export interface RenderedMetrics {
  readonly type: string
  readonly text: string
}

/** What one process has counted, in a form that can be sent to another. */
export type CollectedMetrics = readonly (object & { readonly type?: unknown })[]

/** Prometheus metrics of one process. */
export interface Metrics {
  render(): Promise<RenderedMetrics>
  collect(): Promise<CollectedMetrics>
  /** Shows how many workers run. Returns what counts those that ended unasked. */
  readonly watchWorkers: (running: () => number) => () => void
  request(event: RequestEvent): void
  /** One verification of an access token that was not in the cache. */
  readonly verified: (seconds: number, valid: boolean) => void
}

/** Creates the registry. Metric names are documented in docs/operations.md. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = tally({
    name: 'portcullis_requests_total',
    help: 'Requests by kind and status',
    labelNames: ['kind', 'status'] as const,
    registers,
  })
  const durations = new Histogram({
    name: 'portcullis_request_duration_seconds',
    help: 'Time from the request line to the end of the answer',
    labelNames: ['kind'] as const,
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120],
    registers,
  })
  const flowsStarted = new Counter({
    name: 'portcullis_oauth_flows_started_total',
    help: 'Authorization requests that reached the login or consent page',
    registers,
  })
  const flowsCompleted = new Counter({
    name: 'portcullis_oauth_flows_completed_total',
    help: 'Token requests that succeeded, by grant type',
    labelNames: ['grant_type'] as const,
    registers,
  })
  const verifications = new Histogram({
    name: 'portcullis_token_verification_seconds',
    help: 'Time to verify an access token that was not cached',
    labelNames: ['valid'] as const,
    buckets: [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.05, 0.5],
    registers,
  })
  const operations = tally({
    name: 'portcullis_mcp_operations_total',
    help: 'MCP operations by upstream, method, needed scope and outcome',
    labelNames: ['upstream', 'method', 'scope', 'outcome'] as const,
    registers,
  })
  const failures = new Counter({
    name: 'portcullis_authentication_failures_total',
    help: 'Requests without a usable access token, by reason',
    labelNames: ['reason'] as const,
    registers,
  })

  return {
    render: () => renderRegistry(registry),
    collect: () => registry.getMetricsAsJSON(),
    watchWorkers(running) {
      void new Gauge({
        name: 'portcullis_workers',
        help: 'Workers that serve',
        registers,
        collect() {
          this.set(running())
        },
      })
      const lost = new Counter({
        name: 'portcullis_workers_lost_total',
        help: 'Workers that ended unasked and were replaced',
        registers,
      })
      return () => lost.inc()
    },
    verified: (seconds, valid) => verifications.observe({ valid: String(valid) }, seconds),
    request(event) {
      requests.add({ kind: event.kind, status: String(event.status) })
      durations.observe({ kind: event.kind }, event.durationMs / 1000)
      if (event.kind === 'mcp') countOperations(event)
      if (event.kind === 'oauth') countFlows(event)
      if (event.status === 401) failures.inc({ reason: event.reason ?? event.code ?? 'unknown' })
    },
  }

  function countOperations({ methods = [], upstream = '', scopes = [], outcome }: RequestEvent): void {
    // The scopes of a batch belong to no method alone, and their combinations would be labels without end.
    const scope = methods.length === 1 ? scopes.join(' ') : ''
    for (const method of methods) operations.add({ upstream, method, scope, outcome })
  }

  function countFlows({ step, outcome, grantType = 'unknown' }: RequestEvent): void {
    if (outcome !== 'allowed') return
    if (step === 'authorization') flowsStarted.inc()
    if (step === 'token') flowsCompleted.inc({ grant_type: grantType })
  }
}

/** What several processes have counted, as one. */
export function joinMetrics(all: readonly CollectedMetrics[]): Promise<RenderedMetrics> {
  return renderRegistry(aggregate(all))
}

/** What processes have counted that are gone, as one: a sum must not fall because one of its parts has ended. */
export function keepCounts(all: readonly CollectedMetrics[]): Promise<CollectedMetrics> {
  const lasting = all.map((metrics) =>
    metrics.filter(({ type }) => type === 'counter' || type === 'histogram'),
  )
  return aggregate(lasting).getMetricsAsJSON()
}

function aggregate(all: readonly CollectedMetrics[]): Registry {
  return AggregatorRegistry.aggregate(all as object[])
}

async function renderRegistry(registry: Registry): Promise<RenderedMetrics> {
  return { type: registry.contentType, text: await registry.metrics() }
}
