import { median, quiet, type Results } from '../harness/results.ts'
import { renderWorkload } from './tables.ts'
import { renderTargets } from './targets.ts'

/** A complete run for a terminal, in Markdown. */
export function renderReport(results: Results): string {
  const tables = results.workloads.map((workload) => renderWorkload(workload))
  return [renderSetUp(results), ...tables, '### Targets', renderTargets(results)].join('\n')
}

/** On and with what the figures were measured and how, and how much other processes disturbed. */
export function renderSetUp({ machine, run, workloads }: Results): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
  const samples = workloads.flatMap(({ rows }) => rows).flatMap((row) => row.samples)
  const outside = median(samples.map((sample) => sample.outside)) ?? 0
  const busy = `During the middle one of all samples other processes kept ${outside.toFixed(2)} CPUs busy`
  const meaning =
    outside > quiet ? `**${busy}: these figures show what is measured, and not how fast anything is.**` : busy
  return `${machine.cpu}, ${machine.cpus} CPUs, ${machine.memoryGiB} GiB; ${machine.system}

${versions.join(', ')}

${run.began.slice(0, 10)}; ${run.rounds} rounds of ${run.seconds} s for each stack and workload, medians; ${run.discarded} samples were taken anew because other processes disturbed them. ${meaning}
`
}
