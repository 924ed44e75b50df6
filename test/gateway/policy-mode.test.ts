import assert from 'node:assert/strict'
import { it } from 'node:test'
import { legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { policyFile } from '../support/policies.ts'

const policies = [
  policyFile(`
    permit(principal, action == Action::"tools/call", resource == Tool::"spy/pay") when { context.arguments.amount <= 100 };
    permit(principal, action == Action::"resources/read", resource);
    @id("etc") forbid(principal, action == Action::"resources/read", resource) when { resource.uri like "file:///etc/*" };
  `),
]

it('policies that only report change nothing, and tell log, audit and metrics what they would refuse', async (test) => {
  const gate = await startGatedSpy({ policies, policyMode: 'report', log: { format: 'text' } })
  test.after(() => gate.close())
  const token = await gate.tokenFor('mcp:*')
  const tools = ['write_file', 'pay'].map((name) => ({ name, inputSchema: {} }))
  gate.spy.answerWith(({ body }, res) => {
    const { id } = JSON.parse(body) as { id: unknown }
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, result: { tools } }))
  })
  assert.deepEqual((await gate.post(legacyRequest('tools/list'), { token })).json.result, { tools })
  const reasonsOf = async (method: string, params: object): Promise<unknown[]> => {
    const answer = await gate.post(legacyRequest(method, params), { token })
    assert.equal(answer.status, 200)
    const id = answer.headers.get('x-request-id')
    const found = (await gate.installation.audit()).filter(({ requestId }) => requestId === id)
    return found.map(({ outcome, reason }) => [outcome, reason])
  }
  const unpermitted = [['allowed', 'policies would refuse it: no policy permits it']]
  assert.deepEqual(await reasonsOf('tools/call', { name: 'write_file', arguments: {} }), unpermitted)
  assert.deepEqual(await reasonsOf('tools/call', { name: 'pay', arguments: { amount: 500 } }), unpermitted)
  assert.deepEqual(await reasonsOf('resources/read', { uri: 'file:///etc/a' }), [
    ['allowed', 'policies would refuse it: forbidden by etc'],
  ])
  assert.deepEqual(await reasonsOf('tools/call', { name: 'pay', arguments: { amount: 5 } }), [
    ['allowed', undefined],
  ])
  assert.match(
    gate.installation.log(),
    /200 tools\/call write_file .*policies would refuse it: no policy permits it/,
  )
  assert.deepEqual(await reasonsOf('tools/call', { name: 'pay', arguments: {} }), unpermitted)
  assert.match(gate.installation.log(), /pay .*no policy permits it: .* cannot be evaluated: .*amount/)
  const metrics = await (await fetch(`${gate.installation.adminUrl}/metrics`)).text()
  assert.match(metrics, /portcullis_policy_objections_total\{[^}]*upstream="spy"[^}]*\} 4/)
  await gate.installation.replace({ policyMode: 'enforce' })
  const refused = await gate.post(legacyRequest('tools/call', { name: 'write_file' }), { token })
  assert.equal(refused.json.error?.data['code'], 'policy_denied')
})

it('policies that only report tell the audit which call of a batch they would refuse', async (test) => {
  const gate = await startGatedSpy({ policies, policyMode: 'report' })
  test.after(() => gate.close())
  const token = await gate.tokenFor('mcp:*')
  const calls = [5, 500, 6].map((amount, id) =>
    legacyRequest('tools/call', { name: 'pay', arguments: { amount } }, id),
  )
  const answer = await gate.post(calls, { token, headers: { 'mcp-protocol-version': '2025-03-26' } })
  const id = answer.headers.get('x-request-id')
  const found = (await gate.installation.audit()).filter(({ requestId }) => requestId === id)
  assert.deepEqual(
    found.map(({ batch, reason }) => [batch, reason]),
    [
      [0, undefined],
      [1, 'policies would refuse it: no policy permits it'],
      [2, undefined],
    ],
  )
})

it('policies that could not be evaluated are no reason why a server failed', async (test) => {
  const gate = await startGatedSpy({ policies, policyMode: 'report', log: { format: 'text' } })
  test.after(() => gate.close())
  const token = await gate.tokenFor('mcp:*')
  const error = { jsonrpc: '2.0', id: 1, error: { code: -32600, message: 'no' } }
  gate.spy.answerWith((_, res) =>
    res.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(error)),
  )
  const call = legacyRequest('tools/call', { name: 'pay', arguments: {} })
  assert.equal((await gate.post(call, { token })).status, 400)
  const line = /400 tools\/call pay .*/.exec(gate.installation.log())?.[0]
  assert.match(line ?? '', /denied: the MCP server answered 400 /)
  assert.doesNotMatch(line ?? '', /evaluated/)
})
