import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseExact } from '../../src/mcp/lossless.ts'

describe('JSON that is read for a record', () => {
  it('has numbers however they are written, and the text of those that JavaScript would take for others', () => {
    for (const [text, expected] of [
      ['0', 0],
      ['-0', -0],
      ['-0.00', -0],
      ['0e5', 0],
      ['1.0', 1],
      ['1E2', 100],
      ['-12.50', -12.5],
      ['0.10', 0.1],
      ['100e-2', 1],
      ['1e21', 1e21],
      ['1000000000000000000000', 1e21],
      ['5e-324', 5e-324],
      ['9007199254740992', 9007199254740992],
      ['9007199254740993', '9007199254740993'],
      ['1234567890123456789', '1234567890123456789'],
      ['-1234567890123456789', '-1234567890123456789'],
      ['0.1000000000000000055', '0.1000000000000000055'],
      ['1e999', '1e999'],
      ['1e-999', '1e-999'],
    ] as const)
      assert.deepEqual(parseExact(`{"a":[${text}]}`), { a: [expected] }, text)
  })
})
