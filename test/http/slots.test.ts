import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createSlots } from '../../src/http/slots.ts'

it('a place that is given back is one, and those that others hold at the same host stay taken', () => {
  const slots = createSlots({ perKey: 2, total: 3 })
  const first = slots.take('a')
  assert.ok(first && slots.take('a'))
  assert.equal(slots.take('a'), undefined)
  first()
  const third = slots.take('a')
  assert.ok(third)
  assert.equal(slots.take('a'), undefined, 'one was given back')
  const other = slots.take('b')
  assert.ok(other)
  assert.equal(slots.take('c'), undefined, 'in total there are three')
  other()
  third()
  assert.ok(slots.take('a'))
  assert.ok(slots.take('b'))
})
