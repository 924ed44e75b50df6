import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Results } from '../harness/results.ts'
import { drawCharts } from './charts.ts'
import { renderOverview } from './overview.ts'
import { renderSetUp } from './report.ts'
import { renderWorkload } from './tables.ts'
import { renderTargets } from './targets.ts'

const docs = join(import.meta.dirname, '../../docs')

/** Writes docs/performance.json, the generated parts of docs/performance.md, and the charts. */
export function writeDocument(results: Results): void {
  writeFileSync(join(docs, 'performance.json'), `${JSON.stringify(results)}\n`)
  const file = join(docs, 'performance.md')
  writeFileSync(file, fillDocument(readFileSync(file, 'utf8'), results))
  for (const [name, chart] of drawCharts(results)) writeFileSync(join(docs, 'images', name), chart)
}

/**
 * Replaces the text between `<!-- bench:NAME -->` and `<!-- /bench -->`. NAME is `set-up`, `targets`,
 * `overview`, or the id of a workload. Throws on any other name.
 */
export function fillDocument(text: string, results: Results): string {
  return text.replaceAll(
    /(<!-- bench:([\w-]+) -->\n)[\s\S]*?(<!-- \/bench -->)/g,
    (_, start: string, name: string, end: string) => `${start}\n${renderPart(name, results)}\n${end}`,
  )
}

function renderPart(name: string, results: Results): string {
  if (name === 'set-up') return renderSetUp(results)
  if (name === 'targets') return renderTargets(results)
  if (name === 'overview') return renderOverview(results)
  const workload = results.workloads.find(({ id }) => id === name)
  if (workload === undefined) throw new Error(`docs/performance.md names ${name}, which was not measured`)
  return renderWorkload(workload)
}
