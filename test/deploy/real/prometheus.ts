import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { findProgram } from '../../support/find-program.ts'

const folder = join(import.meta.dirname, '../../../deploy/prometheus')

/** Has Prometheus read the examples. */
export function testPrometheus(): void {
  describe('Prometheus', () => {
    it('takes the configuration and the alerts', async () => {
      const promtool = await findProgram('promtool', 'prometheus')
      const copy = join(mkdtempSync(join(tmpdir(), 'portcullis-prometheus-')), 'prometheus')
      cpSync(folder, copy, { recursive: true })
      const [file, token] = [join(copy, 'prometheus.yml'), join(copy, 'token')]
      writeFileSync(token, 'a-token')
      writeFileSync(file, readFileSync(file, 'utf8').replace('/run/secrets/metrics_token', token))
      const { stdout } = await promisify(execFile)(promtool, ['check', 'config', file])
      assert.match(stdout, /alerts\.yml\n\s+SUCCESS: \d+ rules found/)
    })

    it('tells of a sink of the audit that takes nothing or too little, and of none that keeps up', async () => {
      const promtool = await findProgram('promtool', 'prometheus')
      const copy = mkdtempSync(join(tmpdir(), 'portcullis-prometheus-'))
      cpSync(join(folder, 'alerts.yml'), join(copy, 'alerts.yml'))
      const samples = Array.from({ length: 240 }, (_, index) => index)
      const sinks = {
        busy: samples.map((index) => [4470, 17_880, 13_410, 8940][index % 4]),
        down: samples.map((index) => Math.max(0, Math.min(index, 60) - 20) * 445),
        slow: samples.map((index) => 11_000_000 + 2000 * index + (index % 3) * 25_000),
      }
      const file = join(copy, 'test.yml')
      writeFileSync(
        file,
        JSON.stringify({
          rule_files: ['alerts.yml'],
          tests: [
            {
              interval: '15s',
              input_series: Object.entries(sinks).map(([sink, values]) => ({
                series: `portcullis_audit_waiting_bytes{sink="${sink}"}`,
                values: values.join(' '),
              })),
              promql_expr_test: [
                {
                  expr: 'ALERTS{alertname="PortcullisAuditWaiting",alertstate="firing"}',
                  eval_time: '40m',
                  exp_samples: ['down', 'slow'].map((sink) => ({
                    labels: `ALERTS{alertname="PortcullisAuditWaiting",alertstate="firing",severity="warning",sink="${sink}"}`,
                    value: 1,
                  })),
                },
              ],
            },
          ],
        }),
      )
      await promisify(execFile)(promtool, ['test', 'rules', file])
    })
  })
}
