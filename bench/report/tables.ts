import { errorsOf, median, type Row, valuesOf, type WorkloadResult } from '../harness/results.ts'
import type { Figure } from '../workloads/contract.ts'

interface Column {
  readonly title: (unit: string) => string
  readonly digits: number
}

const columns: Readonly<Record<Figure, Column>> = {
  cpu: { title: (unit) => `CPU µs/${unit}`, digits: 1 },
  rate: { title: (unit) => `${unit}s/s`, digits: 0 },
  p50: { title: () => 'p50 µs', digits: 0 },
  p99: { title: () => 'p99 µs', digits: 0 },
  memory: { title: (unit) => `KiB/${unit}`, digits: 1 },
  milliseconds: { title: () => 'ms', digits: 0 },
}

/** The stack that the others are compared with. */
const own = 'portcullis'

/** A workload as a table in Markdown, with its heading. */
export function renderWorkload(workload: WorkloadResult): string {
  const { title, note, missing, figures, unit, rows } = workload
  const heading = [`### ${title}`, note].filter((line) => line !== undefined).join('\n\n')
  if (missing !== undefined) return `${heading}\n\nNot measured: ${missing}.\n`
  const [main = 'cpu', ...others] = figures
  const base = rows.find(({ stack }) => stack === own) ?? rows[0]
  const baseValue = base && median(valuesOf(base, main))
  const titles = ['', columns[main].title(unit), 'least to most', `× ${base?.name ?? ''}`]
  const head = [...titles, ...others.map((figure) => columns[figure].title(unit))]
  return `${heading}\n\n${table(
    head,
    rows.map((row) => [row.name, ...cellsOf(row, { main, others, baseValue })]),
  )}`
}

interface Shown {
  readonly main: Figure
  readonly others: readonly Figure[]
  readonly baseValue: number | undefined
}

function cellsOf(row: Row, { main, others, baseValue }: Shown): string[] {
  if (row.lacks !== undefined) return [`cannot: ${row.lacks}`]
  const errors = errorsOf(row.samples)
  if (errors > 0) return [`void: ${errors} wrong answers`]
  const values = valuesOf(row, main)
  const value = median(values)
  if (value === undefined) return ['not measured']
  const { digits } = columns[main]
  return [
    value.toFixed(digits),
    values.length < 2
      ? ''
      : `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`,
    baseValue === undefined ? '' : (value / baseValue).toFixed(2),
    ...others.map((figure) => median(valuesOf(row, figure))?.toFixed(columns[figure].digits) ?? ''),
  ]
}

/** A table in Markdown; rows that are too short are filled up with empty cells. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${head.map((_, index) => cells[index] ?? '').join(' | ')} |`
  const rule = `|${head.map((_, index) => (index === 0 ? '---' : '---:')).join('|')}|`
  return [line(head), rule, ...rows.map(line), ''].join('\n')
}
