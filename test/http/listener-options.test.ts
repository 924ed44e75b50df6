import assert from 'node:assert/strict'
import { it } from 'node:test'
import { httpOptions, noticeSeconds } from '../../src/compose/listener-options.ts'
import type { Config } from '../../src/config/schema.ts'

it('a listener takes heads as large and as slow as the limits say, and bodies no less slowly (A36)', () => {
  const limits = { headerBytes: 8192, headSeconds: 30, requestSeconds: 10 }
  const options = httpOptions({ limits } as Config)
  assert.equal(options.maxHeaderSize, 8192)
  assert.equal(options.headersTimeout, 30_000)
  assert.equal(options.requestTimeout, 30_000, 'a head is part of its request')
  assert.equal(options.requireHostHeader, true)
  const patient = httpOptions({ limits: { ...limits, requestSeconds: 60 } } as Config)
  assert.equal(patient.requestTimeout, 60_000)
  const strict = httpOptions({ limits: { ...limits, headSeconds: 1 } } as Config)
  assert.ok(
    (strict.connectionsCheckingInterval ?? Number.POSITIVE_INFINITY) < 1000,
    'late is noticed in time',
  )
})

it('an end is announced in production, and nobody waits for it in development', () => {
  const of = (mode: Config['mode'], seconds?: number): number =>
    noticeSeconds({ mode, listen: { noticeSeconds: seconds } } as Config)
  assert.deepEqual(
    [of('production'), of('development'), of('production', 0), of('development', 9)],
    [3, 0, 0, 9],
  )
})
