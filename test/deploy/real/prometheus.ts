import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { findProgram } from '../../support/find-program.ts'

const deploy = join(import.meta.dirname, '../../../deploy')
const run = promisify(execFile)

/** What Prometheus scrapes every 15 seconds, by series, and what an expression is after 40 minutes of it. */
interface Scenario {
  readonly series: Readonly<Record<string, readonly number[]>>
  readonly expression: string
  readonly samples: readonly { readonly labels?: string; readonly value: number }[]
}

/** Has Prometheus read the examples. */
export function testPrometheus(): void {
  describe('Prometheus', () => {
    it('takes the configuration and the alerts', async () => {
      const copy = copyOfExamples()
      const [file, token] = [join(copy, 'prometheus.yml'), join(copy, 'token')]
      writeFileSync(token, 'a-token')
      writeFileSync(file, readFileSync(file, 'utf8').replace('/run/secrets/metrics_token', token))
      const { stdout } = await run(await findPromtool(), ['check', 'config', file])
      assert.match(stdout, /alerts\.yml\n\s+SUCCESS: \d+ rules found/)
    })

    it('tells of a sink of the audit that takes nothing or too little, and of none that keeps up', async () => {
      const waitingFor = (sink: string) => `portcullis_audit_waiting_bytes{sink="${sink}"}`
      const alert = 'ALERTS{alertname="PortcullisAuditWaiting",alertstate="firing"'
      await assertShown({
        series: {
          [waitingFor('busy')]: every15Seconds((index) => ((index * 3) % 4) * 4470 + 4470),
          [waitingFor('down')]: every15Seconds((index) => Math.max(0, Math.min(index, 60) - 20) * 445),
          [waitingFor('slow')]: every15Seconds((index) => 11_000_000 + 2000 * index + (index % 3) * 25_000),
        },
        expression: `${alert}}`,
        samples: ['down', 'slow'].map((sink) => ({
          labels: `${alert},severity="warning",sink="${sink}"}`,
          value: 1,
        })),
      })
    })

    it('takes a request over a limit for no failure, on the dashboard as in the alert', async () => {
      const counted = (counter: string, labels: string) =>
        `portcullis_${counter}_total{job="p",kind="mcp",${labels}}`
      const calls = counted('requests', 'status="200"')
      const [busy, broken] = [counted('requests', 'status="503"'), counted('requests', 'status="502"')]
      const limited = counted('refusals', 'code="too_many_requests"')
      const alert = 'ALERTS{alertname="PortcullisFailing",alertstate="firing"'
      const rising = (by: number) => every15Seconds((index) => index * by)
      const limits = { [calls]: rising(80), [busy]: rising(20), [limited]: rising(20) }
      const faults = { [calls]: rising(80), [broken]: rising(20) }
      const share = shareThatFails()
      await assertShown({ series: limits, expression: share, samples: [{ value: 0 }] })
      await assertShown({ series: limits, expression: `${alert}}`, samples: [] })
      await assertShown({ series: faults, expression: share, samples: [{ value: 0.2 }] })
      const fired = { labels: `${alert},severity="critical"}`, value: 1 }
      await assertShown({ series: faults, expression: `${alert}}`, samples: [fired] })
    })
  })
}

async function assertShown({ series, expression, samples }: Scenario): Promise<void> {
  const file = join(copyOfExamples(), 'test.yml')
  const scenario = {
    interval: '15s',
    input_series: Object.entries(series).map(([name, values]) => ({
      series: name,
      values: values.join(' '),
    })),
    promql_expr_test: [{ expr: expression, eval_time: '40m', exp_samples: samples }],
  }
  writeFileSync(file, JSON.stringify({ rule_files: ['alerts.yml'], tests: [scenario] }))
  await run(await findPromtool(), ['test', 'rules', file])
}

function findPromtool(): Promise<string> {
  return findProgram('promtool', 'prometheus')
}

function copyOfExamples(): string {
  const copy = join(mkdtempSync(join(tmpdir(), 'portcullis-prometheus-')), 'prometheus')
  cpSync(join(deploy, 'prometheus'), copy, { recursive: true })
  return copy
}

/** An hour of samples. */
function every15Seconds(sample: (index: number) => number): number[] {
  return Array.from({ length: 240 }, (_, index) => sample(index))
}

/** The expression of that panel of the dashboard, as Grafana would ask it. */
function shareThatFails(): string {
  const { panels } = JSON.parse(readFileSync(join(deploy, 'grafana/portcullis.json'), 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[]
  }
  const panel = panels.find(({ title }) => title === 'Share that fails')
  return (panel?.targets[0]?.expr ?? '').replaceAll('$__rate_interval', '1m').replaceAll('$job', '.*')
}
