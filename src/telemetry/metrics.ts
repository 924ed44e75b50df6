import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { RequestEvent } from './event.ts'
import { tally } from './tally.ts'

/** Metrics in the format of Prometheus. */
export interface RenderedMetrics {
  readonly type: string
  readonly text: string
}

/** What one process has counted, in a form that can be sent to another. */
export type CollectedMetrics = readonly (object & { readonly type?: unknown })[]

/** Prometheus metrics of one process, for the installation or for a tenant. */
export interface Metrics {
  render(): Promise<RenderedMetrics>
  collect(): Promise<CollectedMetrics>
  /** Shows how many workers are running. Returns a function that counts one that ended unexpectedly. */
  readonly watchWorkers: (running: () => number) => () => void
  /** Shows what of the audit has not arrived where it should be. */
  readonly watchAudit: (audit: WatchedAudit) => void
  /** Counts a request that is over. */
  request(event: RequestEvent): void
  /** Counts one verification of an access token that was not in the cache. */
  readonly verified: (verification: { readonly seconds: number; readonly valid: boolean }) => void
}

/** The parts of a process's audit that should be monitored. */
interface WatchedAudit {
  /** Events that were never written. */
  readonly lost: () => number
  /** Bytes in the files that each sink has not received yet. */
  readonly waiting: () => ReadonlyMap<string, number>
}

/** Only this many texts chosen by others become labels; later ones are `other`. */
const mostLabels = 100

/**
 * Creates the registry. Metric names are documented in docs/metrics.md. The registry of a tenant has its name
 * in the label `tenant` of each value, and leaves out metrics of the process.
 */
export function createMetrics(version: string, tenant?: string): Metrics {
  const registry = new Registry()
  const registers = [registry]
  if (tenant === undefined) collectDefaultMetrics({ register: registry })
  else registry.setDefaultLabels({ tenant })
  const requests = tally({
    name: 'portcullis_requests_total',
    help: 'Requests by kind and status',
    labelNames: ['kind', 'status'] as const,
    registers,
  })
  const durations = new Histogram({
    name: 'portcullis_request_duration_seconds',
    help: 'Time from the request line to the end of the answer; streams that are held open aside',
    labelNames: ['kind', 'upstream'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
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
  const steps = new Counter({
    name: 'portcullis_oauth_steps_total',
    help: 'Steps of OAuth by outcome: where flows break off',
    labelNames: ['step', 'outcome'] as const,
    registers,
  })
  const refusals = new Counter({
    name: 'portcullis_refusals_total',
    help: 'Requests that were not answered as asked, by the code of docs/errors.md or of OAuth',
    labelNames: ['kind', 'code'] as const,
    registers,
  })
  const objections = new Counter({
    name: 'portcullis_policy_objections_total',
    help: 'MCP requests that policies would refuse if they decided (policyMode: report), by upstream',
    labelNames: ['upstream'] as const,
    registers,
  })
  const authenticationFailures = new Counter({
    name: 'portcullis_authentication_failures_total',
    help: 'MCP requests without a usable access token, by reason',
    labelNames: ['reason'] as const,
    registers,
  })

  const build = new Gauge({
    name: 'portcullis_build_info',
    help: 'The version that runs',
    labelNames: ['version'] as const,
    registers,
    aggregator: 'first',
  })
  if (tenant === undefined) build.set({ version }, 1)
  const [codes, reasons] = [atMost(mostLabels), atMost(mostLabels)]

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
    watchAudit({ lost, waiting }) {
      void new Counter({
        name: 'portcullis_audit_lost_total',
        help: 'Events of the audit that could be written nowhere',
        registers,
        collect() {
          this.reset()
          this.inc(lost())
        },
      })
      void new Gauge({
        name: 'portcullis_audit_waiting_bytes',
        help: 'Bytes of the audit that a sink does not have yet',
        labelNames: ['sink'] as const,
        registers,
        // All workers see the same files.
        aggregator: 'max',
        collect() {
          for (const [sink, bytes] of waiting()) this.set({ sink }, bytes)
        },
      })
    },
    verified: ({ seconds, valid }) => verifications.observe({ valid: String(valid) }, seconds),
    request(event) {
      requests.add({ kind: event.kind, status: String(event.status) })
      if (!isHeldOpen(event))
        durations.observe({ kind: event.kind, upstream: event.upstream ?? '' }, event.durationMs / 1000)
      if (event.kind === 'mcp') countOperations(event)
      if (event.kind === 'oauth') countFlows(event)
      if (event.objection !== undefined) objections.inc({ upstream: event.upstream ?? '' })
      if (event.code !== undefined) refusals.inc({ kind: event.kind, code: codes(event.code) })
      if (event.kind === 'mcp' && event.status === 401)
        authenticationFailures.inc({ reason: reasons(event.reason ?? event.code ?? 'unknown') })
    },
  }

  function countOperations({ methods = [], upstream = '', scopes = [], outcome }: RequestEvent): void {
    // The scopes of a batch belong to no single method, and their combinations would be an unlimited number
    // of labels.
    const scope = methods.length === 1 ? scopes.join(' ') : ''
    for (const method of methods) operations.add({ upstream, method, scope, outcome })
  }

  function countFlows({ step, outcome, grantType = 'unknown' }: RequestEvent): void {
    if (step !== undefined) steps.inc({ step, outcome })
    if (outcome !== 'allowed') return
    if (step === 'authorization') flowsStarted.inc()
    if (step === 'token') flowsCompleted.inc({ grant_type: grantType })
  }
}

/** How long a stream is held open says nothing about a server. */
function isHeldOpen({ kind, httpMethod, methods }: RequestEvent): boolean {
  return kind === 'mcp' && (httpMethod === 'GET' || methods?.includes('subscriptions/listen') === true)
}

/** Passes the first `most` different texts through, and replaces all later ones with `other`. */
function atMost(most: number): (text: string) => string {
  const known = new Set<string>()
  return (text) => {
    if (known.has(text)) return text
    if (known.size >= most) return 'other'
    known.add(text)
    return text
  }
}

/** Renders a registry. */
export async function renderRegistry(registry: Registry): Promise<RenderedMetrics> {
  return { type: registry.contentType, text: await registry.metrics() }
}
