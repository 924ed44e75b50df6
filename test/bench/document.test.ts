import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Results } from '../../bench/harness/results.ts'
import { drawCharts } from '../../bench/report/charts.ts'
import { fillDocument } from '../../bench/report/document.ts'
import { workloads } from '../../bench/workloads/registry.ts'

const docs = join(import.meta.dirname, '../../docs')
const read = (file: string): string => readFileSync(join(docs, file), 'utf8')
const results = JSON.parse(read('performance.json')) as Results

describe('the figures of the documentation', () => {
  it('are those of the raw data (npm run bench -- --from docs/performance.json --docs)', () => {
    assert.equal(fillDocument(read('performance.md'), results), read('performance.md'))
    for (const [name, chart] of drawCharts(results)) assert.equal(read(`images/${name}`), chart, name)
  })

  it('are there for every workload, each in the document', () => {
    const ids = workloads().map(({ id }) => id)
    assert.deepEqual(
      results.workloads.map(({ id }) => id),
      ids,
    )
    const shown = [...read('performance.md').matchAll(/<!-- bench:([\w-]+) -->/g)].map(([, name]) => name)
    assert.deepEqual(new Set(shown), new Set(['set-up', 'targets', 'overview', ...ids]))
  })
})
