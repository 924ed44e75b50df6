import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refusalWhereBusy } from '../../src/http/busy.ts'

const waitOf = (headers: Record<string, string>): number | undefined =>
  refusalWhereBusy(429, headers)?.detail.retryAfterSeconds

describe('when a server that is busy wants to be asked again', () => {
  it('is told in seconds, a day at most', () => {
    assert.equal(waitOf({ 'retry-after': '7' }), 7)
    assert.equal(waitOf({ 'retry-after': '0' }), 1)
    assert.equal(waitOf({ 'retry-after': '99999999' }), 86_400)
  })

  it('is told as a date, which counts from that of the answer: the clock of the server may be any', () => {
    const date = 'Sun, 06 Nov 1994 08:49:37 GMT'
    assert.equal(waitOf({ date, 'retry-after': 'Sun, 06 Nov 1994 08:50:07 GMT' }), 30)
    assert.equal(waitOf({ date, 'retry-after': 'Sun, 06 Nov 1994 08:00:00 GMT' }), 1)
    assert.equal(waitOf({ 'retry-after': 'Sun, 06 Nov 1994 08:50:07 GMT' }), undefined)
  })

  it('is not told by anything else', () => {
    assert.equal(waitOf({}), undefined)
    assert.equal(waitOf({ 'retry-after': 'soon' }), undefined)
  })
})
