import assert from 'node:assert/strict'
import { it } from 'node:test'
import { callModern, tokenFor } from '../support/era-calls.ts'
import { startInstallation } from '../support/installation.ts'
import { openLegacySession } from '../support/legacy-session.ts'

/** A legacy server that pings during each call, and then ends, or has no such tool once the ping is answered. */
const program = `
  let call
  const say = (message, then) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n', then)
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line)
    const opened = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } }
    if (method === 'initialize') say({ id, result: opened })
    else if (method === 'tools/call') {
      call = id
      say({ id: 'p', method: 'ping' }, () => params.name === 'die' && process.exit(1))
    } else if (id === 'p') say({ id: call, error: { code: -32603, message: 'no' } })
  })`

it('a server that asks during a call, and then ends, has failed for the operator as well', async (test) => {
  const command = [process.execPath, '--eval', program]
  const gate = await startInstallation({ config: { upstreams: [{ name: 'x', command, era: 'legacy' }] } })
  test.after(() => gate.close())
  const token = await tokenFor(gate.mcpUrl, 'ada')
  const session = await openLegacySession(gate.mcpUrl, token)
  const { status, messages } = await session.request('tools/call', { name: 'die', arguments: {} })
  assert.equal(status, 200, 'a stream had begun')
  assert.deepEqual(messages.at(-1)?.error, { code: 502, message: 'The MCP server cannot be reached' })
  const { outcome, code, reason } = (await gate.audit()).at(-1) ?? {}
  const expected = ['failed', 'upstream_unreachable', 'the stdio server ended with code 1']
  assert.deepEqual([outcome, code, reason], expected)

  const modern = await callModern(gate.mcpUrl, token, 'tools/call', { name: 'x', arguments: {} })
  assert.match(modern.headers.get('content-type') ?? '', /json/, 'its client is asked nothing, and can wait')
})
