import { AggregatorRegistry, type Registry } from 'prom-client'
import { type CollectedMetrics, type RenderedMetrics, renderRegistry } from './metrics.ts'

/** What several processes have counted, as one. */
export function joinMetrics(all: readonly CollectedMetrics[]): Promise<RenderedMetrics> {
  return renderRegistry(aggregate(all))
}

/**
 * What one process has counted for itself and for its tenants. Unlike with several processes, nothing is left
 * out.
 */
export function joinTenants(collected: CollectedMetrics): Promise<RenderedMetrics> {
  return joinMetrics([
    collected.map((metric) =>
      'aggregator' in metric && metric.aggregator === 'omit' ? { ...metric, aggregator: 'first' } : metric,
    ),
  ])
}

/** What ended processes have counted, as one: a sum must not decrease because one of its parts has ended. */
export function keepCounts(all: readonly CollectedMetrics[]): Promise<CollectedMetrics> {
  const lasting = all.map((metrics) =>
    metrics.filter(({ type }) => type === 'counter' || type === 'histogram'),
  )
  return aggregate(lasting).getMetricsAsJSON()
}

function aggregate(all: readonly CollectedMetrics[]): Registry {
  return AggregatorRegistry.aggregate(all as object[])
}
