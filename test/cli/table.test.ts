import assert from 'node:assert/strict'
import { it } from 'node:test'
import { table } from '../../src/cli/table.ts'

it('a table has columns as wide as their widest cells, however many rows there are', () => {
  const rows = Array.from({ length: 200_000 }, () => ['a', 'b'])
  const lines = table([['name', 'id'], ...rows, ['longest', 'c']]).split('\n')
  assert.equal(lines.length, 200_002)
  assert.deepEqual([lines[0], lines[1], lines.at(-1)], ['name     id', 'a        b', 'longest  c'])
})
