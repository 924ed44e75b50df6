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
  })
}
