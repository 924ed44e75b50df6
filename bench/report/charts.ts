import { median, type Results, valuesOf } from '../harness/results.ts'
import type { Figure } from '../workloads/contract.ts'
import { type Bar, type Chart, drawChart } from './chart.ts'

/** The charts of a run, by file name. A chart without figures is left out. */
export function drawCharts(results: Results): ReadonlyMap<string, string> {
  const { cpu, versions } = results.machine
  const subtitle = `less is better; ${cpu}, Node ${versions['Node']}, HAProxy ${versions['HAProxy']}`
  const charts = new Map<string, Chart>([
    [
      'bench-calls.svg',
      {
        title: 'CPU for each tools/call, in microseconds',
        subtitle,
        bars: barsOf(results, { workload: 'calls-32', figure: 'cpu', unit: 'µs', short: shortNames }),
      },
    ],
    [
      'bench-features.svg',
      {
        title: 'CPU for each tools/call with one feature less, or more',
        subtitle,
        bars: barsOf(results, { workload: 'features', figure: 'cpu', unit: 'µs', short: shortNames }),
      },
    ],
    [
      'bench-streams.svg',
      {
        title: 'Memory of an idle stream, in KiB',
        subtitle,
        bars: barsOf(results, { workload: 'streams-idle', figure: 'memory', unit: 'KiB', short: shortNames }),
      },
    ],
  ])
  return new Map(
    [...charts].filter(([, { bars }]) => bars.length > 0).map(([file, chart]) => [file, drawChart(chart)]),
  )
}

/** Names that leave room for bars. */
const shortNames: Readonly<Record<string, string>> = {
  express: 'Express 5 + MCP SDK + jose',
  fastify: 'Fastify 5 + jose',
  bare: 'node:http + undici, no authorization',
  nginx: 'nginx, no authorization',
}

interface Shown {
  readonly workload: string
  readonly figure: Figure
  readonly unit: string
  readonly short: Readonly<Record<string, string>>
}

function barsOf({ workloads }: Results, { workload, figure, unit, short }: Shown): Bar[] {
  const rows = workloads.find(({ id }) => id === workload)?.rows ?? []
  return rows
    .map((row) => ({ row, value: median(valuesOf(row, figure)) }))
    .filter((one): one is { row: (typeof rows)[number]; value: number } => one.value !== undefined)
    .toSorted((a, b) => a.value - b.value)
    .map(({ row, value }) => ({
      label: short[row.stack] ?? row.name,
      value,
      text: `${value.toFixed(1)} ${unit}`,
      own: row.stack === 'portcullis',
    }))
}
