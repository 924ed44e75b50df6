import assert from 'node:assert/strict'
import { it } from 'node:test'
import { transportRefusal } from '../../src/http/transport-refusal.ts'
import { errors } from '../../src/http/undici.ts'

it('an error of a connection is told of as what it is, which is not always up to the server (A71)', () => {
  for (const [error, code] of [
    [new errors.SocketError(), 'upstream_interrupted'],
    [new errors.ConnectTimeoutError(), 'upstream_unreachable'],
    [new errors.HeadersTimeoutError(), 'upstream_timeout'],
    [new errors.HTTPParserError(), 'upstream_invalid'],
    [new errors.ClientDestroyedError(), 'gateway_interrupted'],
  ] as const)
    assert.equal(transportRefusal(error).code, code)
})
