import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { problemTexts } from '../support/config-problems.ts'

const problems = (environment: Record<string, string>): string[] => problemTexts({ environment })

describe('variables that are no settings', () => {
  it('takes the variable of another command for no setting', () => {
    assert.deepEqual(problems({ PORTCULLIS_DOCTOR_CLIENT_SECRET: 'x' }), [])
  })

  it('says where the variables come from that Kubernetes sets for a Service with the name portcullis', () => {
    const ofService = {
      PORTCULLIS_SERVICE_HOST: '10.0.0.1',
      PORTCULLIS_SERVICE_PORT_HTTP: '80',
      PORTCULLIS_PORT: 'tcp://10.0.0.1:80',
      PORTCULLIS_PORT_80_TCP_ADDR: '10.0.0.1',
    }
    const found = problems({
      ...ofService,
      KUBERNETES_SERVICE_HOST: '10.0.0.2',
      PORTCULLIS_PROT: 'x',
    })
    assert.equal(found.length, 5)
    for (const problem of found.slice(0, 4))
      assert.match(
        problem,
        /: there is no such setting; Kubernetes sets it .*: set enableServiceLinks: false /,
      )
    for (const problem of [...problems(ofService), ...found.slice(4)])
      assert.match(problem, /^PORTCULLIS_\w+: there is no such setting$/)
  })
})
