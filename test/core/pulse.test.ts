import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openPulse } from '../../src/core/pulse.ts'

it('the pulse calls everybody in the same turn, once a second, until nobody is left', (test) => {
  test.mock.timers.enable({ apis: ['setInterval'] })
  const calls: string[] = []
  const pulse = openPulse()
  const stopA = pulse(() => void calls.push('a'))
  test.mock.timers.tick(600)
  const stopB = pulse(() => void calls.push('b'))
  test.mock.timers.tick(400)
  assert.deepEqual(calls, ['a', 'b'])
  stopA()
  test.mock.timers.tick(1000)
  assert.deepEqual(calls, ['a', 'b', 'b'])
  stopB()
  test.mock.timers.tick(5000)
  assert.deepEqual(calls, ['a', 'b', 'b'])
  pulse(() => void calls.push('c'))
  test.mock.timers.tick(1000)
  assert.deepEqual(calls, ['a', 'b', 'b', 'c'])
})
