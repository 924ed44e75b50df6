import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pageOf } from '../../src/compose/dashboard/select-page.ts'
import { inTurns } from '../storage/in-turns.ts'

describe('a page of a long listing', () => {
  const all = Array.from({ length: 1000 }, (_, index) => index)
  let described = 0
  const row = (number: number) => {
    described++
    return { id: String(number), cells: [`Number ${number}`], actions: [] }
  }

  it('describes only the rows that it shows', async () => {
    const { rows, total, page } = await pageOf(all, { text: '', page: 3 }, row)
    assert.deepEqual([rows.length, rows[0]?.id, total, page], [100, '200', 1000, 3])
    assert.equal(described, 100)
  })

  it('is searched for while everything else goes on', async () => {
    const { rows, total } = await inTurns(() => pageOf(all, { text: 'NUMBER 99', page: 1 }, row))
    assert.deepEqual([rows.length, total], [11, 11])
  })
})
