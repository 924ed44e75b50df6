import { medianOf, type Results } from '../harness/results.ts'
import { table } from './tables.ts'

interface Target {
  readonly what: string
  readonly required: number
  readonly aim: number
  readonly better: 'higher' | 'lower'
  readonly unit: string
  readonly value: (results: Results) => number | undefined
}

/** The CPU that another stack needs, as a multiple of that of Portcullis. */
function timesOwn(stack: string, workload = 'calls-32'): Target['value'] {
  return (results) =>
    divide(medianOf(results, workload, stack, 'cpu'), medianOf(results, workload, 'portcullis', 'cpu'))
}

const targets: readonly Target[] = [
  {
    what: 'CPU of HAProxy that verifies each token, over ours',
    required: 1,
    aim: 1.5,
    better: 'higher',
    unit: '',
    value: timesOwn('haproxy-jwt'),
  },
  {
    what: 'CPU of HAProxy with verified tokens remembered, over ours',
    required: 0.4,
    aim: 1,
    better: 'higher',
    unit: '',
    value: timesOwn('haproxy-cached'),
  },
  {
    what: 'CPU of Fastify + jose, over ours',
    required: 3.5,
    aim: 5,
    better: 'higher',
    unit: '',
    value: timesOwn('fastify'),
  },
  {
    what: 'CPU of Express + SDK, over ours',
    required: 6,
    aim: 10,
    better: 'higher',
    unit: '',
    value: timesOwn('express'),
  },
  {
    what: 'p99 at 1 connection, over that of HAProxy that verifies each token',
    required: 4,
    aim: 2,
    better: 'lower',
    unit: '',
    value: (results) =>
      divide(
        medianOf(results, 'calls-1', 'portcullis', 'p99'),
        medianOf(results, 'calls-1', 'haproxy-jwt', 'p99'),
      ),
  },
  {
    what: 'Memory of an idle stream',
    required: 25,
    aim: 12,
    better: 'lower',
    unit: ' KiB',
    value: (results) => medianOf(results, 'streams-idle', 'portcullis', 'memory'),
  },
  {
    what: 'p50 at 1 connection added to that of node:http + undici',
    required: 15,
    aim: 5,
    better: 'lower',
    unit: ' %',
    value: (results) => {
      const own = medianOf(results, 'calls-1', 'portcullis', 'p50')
      const ratio = divide(own, medianOf(results, 'calls-1', 'bare', 'p50'))
      return ratio === undefined ? undefined : (ratio - 1) * 100
    },
  },
  {
    what: 'Start of the demo',
    required: 1.5,
    aim: 0.7,
    better: 'lower',
    unit: ' s',
    value: (results) => divide(medianOf(results, 'start', 'portcullis-demo', 'milliseconds'), 1000),
  },
  ...['text', 'rows'].map(
    (filling): Target => ({
      what: `CPU for 1 MB of ${filling}, over that of nginx`,
      required: 3.5,
      aim: 2,
      better: 'lower',
      unit: '',
      value: (results) => divide(1, timesOwn('nginx', `bytes-1m-${filling}`)(results)),
    }),
  ),
]

/** The targets, the results, and whether they are met; in Markdown. */
export function renderTargets(results: Results): string {
  const rows = targets.map((target) => {
    const { what, required, aim, better, unit } = target
    const value = target.value(results)
    const sign = better === 'higher' ? '≥' : '≤'
    const measured =
      value === undefined ? '' : `${value.toFixed(unit === ' s' || unit === '' ? 2 : 1)}${unit}`
    return [what, measured, `${sign} ${required}${unit}`, `${sign} ${aim}${unit}`, verdictOf(target, value)]
  })
  return table(['', 'measured', 'required', 'aim', ''], rows)
}

function verdictOf({ better, required, aim }: Target, value: number | undefined): string {
  if (value === undefined) return 'not measured'
  const reaches = (goal: number): boolean => (better === 'higher' ? value >= goal : value <= goal)
  if (reaches(aim)) return 'aim reached'
  return reaches(required) ? 'met' : '**missed**'
}

function divide(above: number | undefined, below: number | undefined): number | undefined {
  return above === undefined || below === undefined ? undefined : above / below
}
