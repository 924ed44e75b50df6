import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Results, Row } from '../../bench/harness/results.ts'
import { renderSetUp } from '../../bench/report/report.ts'
import { renderWorkload } from '../../bench/report/tables.ts'
import { renderTargets } from '../../bench/report/targets.ts'

function row(stack: string, cpu: readonly number[], errors = 0): Row {
  const samples = cpu.map((value) => ({ values: { cpu: value }, errors, outside: 0 }))
  return { stack, name: stack, does: '', samples }
}

const workload = (...rows: readonly Row[]) =>
  ({ id: 'calls-32', title: 'Calls', unit: 'request', figures: ['cpu'], rows }) as const

const verdict = (...rows: readonly Row[]): string => {
  const results = { workloads: [workload(...rows)] } as unknown as Results
  return (
    renderTargets(results)
      .split('\n')
      .find((line) => line.includes('verified tokens remembered')) ?? ''
  )
}

describe('the report of the benchmark', () => {
  it('gives the median of a figure, its spread, and the ratio to that of Portcullis', () => {
    const table = renderWorkload(workload(row('portcullis', [52, 50, 90]), row('other', [100, 110, 104])))
    assert.match(table, /\| portcullis \| 52\.0 \| 50\.0 to 90\.0 \| 1\.00 \|/)
    assert.match(table, /\| other \| 104\.0 \| 100\.0 to 110\.0 \| 2\.00 \|/)
  })

  it('takes no figure from a row with a wrong answer', () => {
    assert.match(renderWorkload(workload(row('portcullis', [50], 1))), /void: 1 wrong answers/)
    assert.match(verdict(row('portcullis', [50], 1), row('haproxy-cached', [50])), /not measured/)
  })

  it('says when others disturbed so much that the figures mean nothing', () => {
    const disturbedBy = (outside: number): string => {
      const samples = [{ values: { cpu: 1 }, errors: 0, outside }]
      const workloads = [workload({ ...row('portcullis', []), samples })]
      return renderSetUp({ machine: { versions: {} }, run: { began: '' }, workloads } as unknown as Results)
    }
    assert.match(disturbedBy(0.5), /0\.50 CPUs busy: these figures show what is measured/)
    assert.doesNotMatch(disturbedBy(0.1), /these figures show/)
  })

  it('says of a target whether it is missed, met or more than met', () => {
    assert.match(verdict(row('portcullis', [100]), row('haproxy-cached', [39])), /0\.39.*missed/)
    assert.match(verdict(row('portcullis', [100]), row('haproxy-cached', [40])), /0\.40.* met /)
    assert.match(verdict(row('portcullis', [100]), row('haproxy-cached', [100])), /aim reached/)
  })
})
