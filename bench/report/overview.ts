import { medianOf, type Results } from '../harness/results.ts'
import { table } from './tables.ts'

const columns = {
  portcullis: 'Portcullis',
  'haproxy-jwt': 'HAProxy, jwt_verify',
  'haproxy-cached': 'HAProxy, verified once',
  nginx: 'nginx, proxy alone',
  bare: 'node:http + undici, proxy alone',
  fastify: 'Fastify',
  express: 'Express',
} as const

/**
 * CPU of all stacks under all workloads, in Markdown: microseconds, with the ratio to Portcullis in brackets.
 */
export function renderOverview(results: Results): string {
  const rows = results.workloads
    .filter(({ figures, rows: [first] }) => figures[0] === 'cpu' && first?.stack === 'portcullis')
    .filter(({ id }) => id !== 'features')
    .map(({ id, title, unit }) => {
      const own = medianOf(results, id, 'portcullis', 'cpu')
      const cells = Object.keys(columns).map((stack) => {
        const value = medianOf(results, id, stack, 'cpu')
        if (value === undefined) return '–'
        return own === undefined ? value.toFixed(1) : `${value.toFixed(1)} (${(value / own).toFixed(2)})`
      })
      return [`${title}, µs/${unit}`, ...cells]
    })
  return table(['', ...Object.values(columns)], rows)
}
