import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refusalForStatus } from '../../src/upstream/conversation/http-status.ts'

describe('the status with which a server answers a message', () => {
  for (const [code, statuses] of [
    ['upstream_refused', [401, 403, 407]],
    ['upstream_invalid', [300, 302, 307, 399]],
    ['upstream_busy', [408, 425, 429]],
    [undefined, [200, 202, 400, 404, 405, 500, 502]],
  ] as const)
    it(`says ${code ?? 'nothing that the answer itself could not'}: ${statuses.join(', ')} (A11, A70)`, () => {
      for (const status of statuses) assert.equal(refusalForStatus(status, {})?.code, code, String(status))
    })
})
