import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { it } from 'node:test'
import { decodeJwt } from 'jose'
import { legacyRequest, startGatedSpy } from '../support/gated-spy.ts'

const link = 'https://files.example/connect/4711'

it('a link of an elicitation reaches the user alone whose call it belongs to, and the server can tell who opens it (A68, X8)', async (test) => {
  const gate = await startGatedSpy()
  test.after(() => gate.close())
  const waiting: ServerResponse[] = []
  gate.spy.answerWith((request, res) => {
    const { id, method } =
      request.body === '' ? {} : (JSON.parse(request.body) as { id?: unknown; method?: string })
    const say = (message: object): string => `data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`
    if (request.method === 'GET')
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': open\n\n')
    else if (method === 'initialize') {
      const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: {} }
      res.setHeader('mcp-session-id', 'of-the-server')
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    } else if (method === 'tools/call') {
      waiting.push(res)
      const params = { mode: 'url', elicitationId: 'e1', url: link, message: 'Connect your account' }
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(say({ id: 1, method: 'elicitation/create', params }))
    } else {
      res.writeHead(202).end()
      waiting[0]?.end(say({ id: 7, result: { content: [] } }))
    }
  })

  const ada = await gate.tokenFor('mcp:*', 'ada')
  const eve = await gate.tokenFor('mcp:*', 'eve')
  const hello = { protocolVersion: '2025-11-25', capabilities: { elicitation: { url: {} } } }
  const opening = await gate.post(legacyRequest('initialize', hello), { token: ada })
  const headers = { 'mcp-session-id': opening.headers.get('mcp-session-id') ?? '' }
  const called = await fetch(gate.installation.mcpUrl, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', authorization: `Bearer ${ada}` },
    body: JSON.stringify(legacyRequest('tools/call', { name: 'connect' })),
  })
  const reader = called.body!.pipeThrough(new TextDecoderStream()).getReader()
  const { value: asked = '' } = await reader.read()
  assert.match(asked, new RegExp(link))
  const { id } = JSON.parse(asked.slice('data: '.length)) as { id: string }

  const before = gate.spy.seen.length
  const consent = { jsonrpc: '2.0', id, result: { action: 'accept' } }
  assert.equal((await gate.post(undefined, { token: eve, headers, method: 'GET' })).status, 404)
  assert.equal((await gate.post(consent, { token: eve, headers })).status, 404)
  assert.equal(gate.spy.seen.length, before, 'nothing of somebody else reached the server')

  assert.equal((await gate.post(consent, { token: ada, headers })).status, 202)
  assert.match((await reader.read()).value ?? '', /"content":\[\]/)
  const credentials = gate.spy.seen.map((seen) => String(seen.headers.authorization).replace('Bearer ', ''))
  const subjects = new Set(credentials.map((token) => decodeJwt(token).sub))
  assert.deepEqual([...subjects], [decodeJwt(ada).sub], 'every request says for whom it is')
})
