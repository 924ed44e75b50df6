import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
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
      const { stdout } = await promisify(execFile)(promtool, [
        'check',
        'config',
        join(folder, 'prometheus.yml'),
      ])
      assert.match(stdout, /alerts\.yml\n\s+SUCCESS: \d+ rules found/)
    })
  })
}
