import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { RequestEvent } from './event.ts'

/** Prometheus metrics of one process. */
export interface Metrics {
  /** The text format and its media type. */
  render(): Promise<{ readonly type: string; readonly text: string }>
  request(event: RequestEvent): void
  /** One verification of an access token that was not in the cache. */
  readonly verified: (seconds: number, valid: boolean) => void
}

/** Creates the registry. Metric names are documented in docs/operations.md. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Counter({
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
  const operations = new Counter({
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
    render: async () => ({ type: registry.contentType, text: await registry.metrics() }),
    verified: (seconds, valid) => verifications.observe({ valid: String(valid) }, seconds),
    request(event) {
      requests.inc({ kind: event.kind, status: String(event.status) })
      durations.observe({ kind: event.kind }, event.durationMs / 1000)
      if (event.kind === 'mcp') countOperations(event)
      if (event.kind === 'oauth') countFlows(event)
      if (event.status === 401) failures.inc({ reason: event.reason ?? event.code ?? 'unknown' })
    },
  }

  function countOperations({ methods = [], upstream = '', scopes = [], outcome }: RequestEvent): void {
    // The scopes of a batch belong to no method alone, and their combinations would be labels without end.
    const scope = methods.length === 1 ? scopes.join(' ') : ''
    for (const method of methods) operations.inc({ upstream, method, scope, outcome })
  }

  function countFlows({ step, outcome, grantType = 'unknown' }: RequestEvent): void {
    if (outcome !== 'allowed') return
    if (step === 'authorization') flowsStarted.inc()
    if (step === 'token') flowsCompleted.inc({ grant_type: grantType })
  }
}
