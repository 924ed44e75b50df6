import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errors } from '../../src/authorization-server/library/library.ts'
import { libraryReason } from '../../src/authorization-server/library/library-reason.ts'
import { FetchRefused } from '../../src/http/safe-fetch.ts'

describe('the reason why a document could not be fetched', () => {
  const unknown = new Error('client.example has no address', {
    cause: Object.assign(new Error('queryA ENOTFOUND client.example'), { code: 'ENOTFOUND' }),
  })
  for (const [what, cause, says] of [
    ['whose name does not exist, as without the internet', new FetchRefused('no', { cause: unknown }), true],
    ['that was not reached', new FetchRefused('no', { reached: false, passing: true }), true],
    ['that is not there', new FetchRefused('no', { reached: true }), false],
    ['that must not be fetched', new FetchRefused('it is not https'), false],
  ] as const) {
    it(`says ${says ? '' : 'nothing '}of a server without the internet for one ${what}`, () => {
      const error = Object.assign(new errors.InvalidClient('client_id metadata document fetch failed'), {
        error_description: 'client_id metadata document fetch failed',
        cause,
      })
      const advice =
        /; if this server cannot reach the internet, set registration\.documents\.enabled: false$/
      assert.equal(advice.test(libraryReason(error)), says, libraryReason(error))
    })
  }
})
