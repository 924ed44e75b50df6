import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import { callModern, tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { startInstallation } from '../support/installation.ts'
import { openLegacySession } from '../support/legacy-session.ts'
import { until } from '../support/until.ts'

/**
 * A legacy server that asks or says something during a call, and then ends, or has no such tool once its ping is
 * answered.
 */
const program = `
  let call
  const say = (message, then) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n', then)
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line)
    const opened = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } }
    if (method === 'initialize') say({ id, result: opened })
    else if (method === 'tools/call') {
      call = id
      const last = () => params.name === 'live' || process.exit(1)
      const data = 'x'.repeat(1 << 20)
      for (let n = 0; params.name === 'say' && n < 7; n++) say({ method: 'notifications/message', params: { n, data } })
      say({ id: 'p', method: 'ping' }, last)
    } else if (id === 'p') say({ id: call, error: { code: -32603, message: 'no' } })
  })`

const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

async function open(test: TestContext) {
  const command = [process.execPath, '--eval', program]
  const gate = await startInstallation({ config: { upstreams: [{ name: 'x', command, era: 'legacy' }] } })
  test.after(() => gate.close())
  const token = await tokenFor(gate.mcpUrl, 'ada')
  return { gate, token, session: await openLegacySession(gate.mcpUrl, token) }
}

it('a server that says much, and then ends, cuts nothing off that its client has yet to read', async (test) => {
  const { gate, token, session } = await open(test)
  const answer = await fetch(gate.mcpUrl, {
    method: 'POST',
    headers: { ...session.headers, ...json, authorization: `Bearer ${token}` },
    body: JSON.stringify(legacyRequest('tools/call', { name: 'say', arguments: {} })),
  })
  await until(async () => (await gate.audit()).at(-1)?.outcome === 'failed')
  const told = (await answer.text()).match(/(?<=^data: ).*/gm) ?? []
  assert.equal(told.length, 9)
  assert.equal(JSON.parse(told.at(-1) ?? '').error.message, 'The MCP server cannot be reached')
})

it('a server that asks during a call, and then ends, has failed for the operator as well', async (test) => {
  const { gate, token, session } = await open(test)
  const { status, messages } = await session.request('tools/call', { name: 'die', arguments: {} })
  assert.equal(status, 200, 'a stream had begun')
  assert.deepEqual(messages.at(-1)?.error, { code: 502, message: 'The MCP server cannot be reached' })
  const { outcome, code, reason } = (await gate.audit()).at(-1) ?? {}
  const expected = ['failed', 'upstream_unreachable', 'the stdio server ended with code 1']
  assert.deepEqual([outcome, code, reason], expected)

  const modern = await callModern(gate.mcpUrl, token, 'tools/call', { name: 'live', arguments: {} })
  assert.match(modern.headers.get('content-type') ?? '', /json/, 'its client is asked nothing, and can wait')
})
