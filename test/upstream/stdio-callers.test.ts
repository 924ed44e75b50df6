import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { ConfigInput } from '../../src/config/schema.ts'
import { callModern, type Messages, post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest, modernRequest } from '../support/gated-spy.ts'
import { type Installation, startInstallation } from '../support/installation.ts'

const fixture = (name: string, ...args: string[]): string[] => [
  process.execPath,
  join(import.meta.dirname, '../fixtures', name),
  ...args,
]

async function startGate(
  test: TestContext,
  settings: Partial<NonNullable<ConfigInput['upstreams']>[number]>,
): Promise<Installation> {
  const gate = await startInstallation({ config: { upstreams: [{ name: 'stdio', ...settings }] } })
  test.after(() => gate.close())
  return gate
}

async function openSession(gate: Installation, token: string): Promise<Messages> {
  const clientInfo = { name: 'x', version: '1' }
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
  return post(gate.mcpUrl, token, legacyRequest('initialize', params))
}

const textOf = ({ messages }: Messages): string =>
  (messages.at(-1)?.result as { content: { text: string }[] } | undefined)?.content[0]?.text ?? ''

describe('a stdio server whose client goes away', () => {
  it('is told nothing where the client is of the legacy era, and goes on with the session (O14, A37)', async (test) => {
    const gate = await startGate(test, { command: fixture('stdio-legacy.ts'), era: 'legacy' })
    const token = await tokenFor(gate.mcpUrl, 'ada')
    const opened = await openSession(gate, token)
    const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' }
    const call = (name: string, signal?: AbortSignal): Promise<Messages> =>
      post(gate.mcpUrl, token, legacyRequest('tools/call', { name, arguments: {} }), {
        headers,
        ...(signal === undefined ? {} : { signal }),
      })
    await assert.rejects(call('slow', AbortSignal.timeout(100)), { name: 'TimeoutError' })
    await wait(600)
    assert.deepEqual(JSON.parse(textOf(await call('cancelled'))), [])
  })

  it('is told where the client is of the modern era (O14, A37)', async (test) => {
    const gate = await startGate(test, { command: fixture('eras/stdio.ts', 'modern'), era: 'modern' })
    const token = await tokenFor(gate.mcpUrl, 'ada')
    const call = (name: string): Promise<Messages> =>
      callModern(gate.mcpUrl, token, 'tools/call', { name, arguments: {} })
    assert.equal(textOf(await call('cancelled')), '0')
    const abort = new AbortController()
    const { body, headers } = modernRequest('tools/call', { name: 'wait', arguments: {} })
    const waiting = post(gate.mcpUrl, token, body, { headers, signal: abort.signal })
    await wait(200)
    abort.abort()
    await assert.rejects(waiting, { name: 'AbortError' })
    for (let attempt = 0; attempt < 100 && textOf(await call('cancelled')) !== '1'; attempt++) await wait(50)
    assert.equal(textOf(await call('cancelled')), '1')
  })
})

describe('the processes of a stdio server (A36)', () => {
  it('have a ceiling for all callers together, beyond which it is 503 and no sign of an era', async (test) => {
    const gate = await startGate(test, {
      command: fixture('stdio-legacy.ts'),
      era: 'legacy',
      processes: 2,
    })
    const tokens = await Promise.all(['ada', 'grace', 'alan'].map((user) => tokenFor(gate.mcpUrl, user)))
    const [first, second] = [
      await openSession(gate, tokens[0] as string),
      await openSession(gate, tokens[1] as string),
    ]
    assert.deepEqual([first.status, second.status], [200, 200])
    const third = await openSession(gate, tokens[2] as string)
    assert.equal(third.status, 503)
    assert.ok(Number(third.headers.get('retry-after')) > 0)
    assert.equal((await callModern(gate.mcpUrl, tokens[2] as string, 'server/discover')).status, 503)
    const id = first.headers.get('mcp-session-id') ?? ''
    await post(gate.mcpUrl, tokens[0] as string, undefined, {
      method: 'DELETE',
      headers: { 'mcp-session-id': id },
    })
    let status = 503
    for (let attempt = 0; attempt < 100 && status === 503; attempt++) {
      await wait(50)
      status = (await openSession(gate, tokens[2] as string)).status
    }
    assert.equal(status, 200, 'a process that has ended makes room')
  })
})
