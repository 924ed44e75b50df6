import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'

let gate: GatedSpy
before(async () => {
  gate = await startGatedSpy()
})
after(() => gate.close())

describe('an MCP server that compresses', () => {
  it('may do so where nothing of its answer is changed', async () => {
    const body = '{"jsonrpc":"2.0","id":7,"result":{"tools":[]}}'
    gate.spy.answerWith((_request, res) => {
      res
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync(body))
    })
    const answered = await gate.post(legacyRequest('tools/list'), { token: await gate.tokenFor('mcp:*') })
    assert.equal(answered.headers.get('content-encoding'), 'gzip')
    assert.equal(answered.text, body)
  })
})
