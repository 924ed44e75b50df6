import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Refusal } from '../../src/core/errors.ts'
import { readMessage } from '../../src/mcp/message.ts'

const request = { jsonrpc: '2.0', id: 1, method: 'tools/list' }

describe('JSON-RPC messages', () => {
  it('tells requests, notifications and responses apart', () => {
    assert.equal(readMessage(request).kind, 'request')
    assert.equal(readMessage({ jsonrpc: '2.0', method: 'notifications/initialized' }).kind, 'notification')
    assert.equal(readMessage({ jsonrpc: '2.0', id: 'a', result: {} }).kind, 'response')
    assert.equal(readMessage({ jsonrpc: '2.0', id: 0, error: { code: 1, message: '' } }).kind, 'response')
  })

  it('keeps what it does not know', () => {
    assert.deepEqual(readMessage({ ...request, params: { cursor: 'x', unknown: 1 }, vendor: true }), {
      kind: 'request',
      id: 1,
      method: 'tools/list',
      params: { cursor: 'x', unknown: 1 },
    })
  })

  const wrong: Record<string, unknown> = {
    'no object': 'tools/list',
    null: null,
    'no version': { id: 1, method: 'a' },
    'another version': { ...request, jsonrpc: '1.0' },
    'a null id': { ...request, id: null },
    'a fraction for an id': { ...request, id: 1.5 },
    'an id that JavaScript would round': { ...request, id: 2 ** 53 },
    'an array for a method': { ...request, method: ['tools/call'] },
    'an empty method': { ...request, method: '' },
    'a very long method': { ...request, method: 'a'.repeat(129) },
    'a method with a lone surrogate': { ...request, method: 'a\ud800' },
    'positional params': { ...request, params: [] },
    'null params': { ...request, params: null },
    'a method and a result': { ...request, result: {} },
    'a method and an error': { ...request, error: { code: 1, message: '' } },
    'an id with a lone surrogate': { ...request, id: 'a\ud800' },
    'a boolean for an id': { ...request, id: true },
    'URI beside uri in a reference': {
      ...request,
      method: 'completion/complete',
      params: { ref: { type: 'ref/resource', uri: 'a', URI: 'b' } },
    },
    'a result and an error': { jsonrpc: '2.0', id: 1, result: {}, error: {} },
    'a response without an id': { jsonrpc: '2.0', result: {} },
    nothing: { jsonrpc: '2.0', id: 1 },
    'Method beside method': { ...request, Method: 'tools/call' },
    'a long s in params': { ...request, paramſ: {} },
    'a Kelvin sign in a name': { ...request, method: 'tasks/get', params: { tasKId: 'a' } },
    'NAME beside name': { ...request, params: { name: 'a', NAME: 'b' } },
  }
  for (const [what, value] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => readMessage(value),
        (error: Refusal) => error.code === 'message_invalid' && error.status === 400,
      )
    })
  }

  it('names the id of what it refuses, where there is one', () => {
    assert.throws(
      () => readMessage({ ...request, id: 'x', params: 3 }),
      (error: Refusal) => error.detail.id === 'x',
    )
  })
})
