import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseLossless } from '../../src/mcp/lossless.ts'
import { createParamHeaders } from '../../src/upstream/bridge/param-headers.ts'

describe('an argument that a tool wants in a header (O9)', () => {
  const params = createParamHeaders()
  const properties = { a: { type: 'integer', 'x-mcp-header': 'A' } }
  params.learn({ tools: [{ name: 'tool', inputSchema: { properties } }] })

  for (const [written, header] of [
    ['3', '3'],
    ['-7', '-7'],
    ['3.0', '3'],
    ['3e2', '300'],
    ['12345678901234567890', '12345678901234567890'],
    ['true', 'true'],
    ['"ä"', '=?base64?w6Q=?='],
  ] as const) {
    it(`is there however it is written: ${written}`, () => {
      const call = parseLossless(`{"name":"tool","arguments":{"a":${written}}}`) as Record<string, unknown>
      assert.deepEqual(params.of(call), ['Mcp-Param-A', header])
    })
  }

  for (const written of ['null', '[1]', '{"rawJSON":"1"}']) {
    it(`is not there where it has no text: ${written}`, () => {
      const call = parseLossless(`{"name":"tool","arguments":{"a":${written}}}`) as Record<string, unknown>
      assert.deepEqual(params.of(call), [])
    })
  }
})
