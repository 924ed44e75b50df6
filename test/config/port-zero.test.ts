import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { problemsOf } from '../support/config-problems.ts'

describe('port 0 for the gateway', () => {
  it('is refused without a public URL, in which it would be the port', () => {
    const problem = {
      path: 'listen.gateway',
      message: 'must not be 0 without a publicUrl, in which it is the port that clients are told: choose one',
      place: '--port',
    }
    const flags = { listen: { gateway: 0 } }
    assert.deepEqual(problemsOf({ flags }), [problem])
    assert.deepEqual(problemsOf({ flags, base: { publicUrl: 'http://127.0.0.1:8080' } }), [])
  })
})
