import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type ProfileName, profiles } from '../../src/doctor/profiles.ts'
import { type DemoInstallation, startDemoInstallation } from '../support/demo-installation.ts'
import { examineServer, login } from '../support/examination.ts'

let installation: DemoInstallation
before(async () => {
  installation = await startDemoInstallation()
})
after(() => installation.close())

describe('doctor, at our own demo', () => {
  for (const as of Object.keys(profiles) as ProfileName[]) {
    it(`passes everything as ${as}, with a user who signs in (N22, N14)`, async () => {
      // No metadata document is fetched: the tests stay on this computer.
      const options = { as, credentials: login, ways: ['dynamic'] } as const
      const { withMark, of } = await examineServer(installation.mcpUrl, options)
      assert.deepEqual(withMark('failed'), [])
      assert.deepEqual(withMark('warning'), [])
      assert.deepEqual(withMark('skipped'), ['token-foreign'])
      assert.match(of('token-foreign').detail ?? '', /invalid_target/)
      assert.match(of('step-up').detail ?? '', /mcp:tools:execute/)
    })
  }

  it('passes everything as a machine, in both eras (T7, N32)', async () => {
    const machine = { kind: 'machine', clientId: 'demo-m2m', clientSecret: 'demo-m2m-secret' } as const
    for (const revision of ['2025-06-18', '2025-11-25', '2026-07-28'] as const) {
      const { withMark, of } = await examineServer(installation.mcpUrl, { revision, credentials: machine })
      assert.deepEqual(withMark('failed'), [])
      assert.deepEqual(withMark('warning'), [])
      assert.equal(of('call-tools').detail, '10 tools')
    }
  })
})
