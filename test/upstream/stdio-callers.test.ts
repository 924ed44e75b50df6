import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { ConfigInput } from '../../src/config/schema.ts'
import { callModern, type Messages, post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { type LegacySession, openLegacySession } from '../support/legacy-session.ts'
import { openModern } from '../support/open-modern.ts'
import { until } from '../support/until.ts'

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

const textOf = ({ messages }: Messages): string =>
  (messages.at(-1)?.result as { content: { text: string }[] } | undefined)?.content[0]?.text ?? ''

describe('a stdio server whose client goes away', () => {
  it('is told nothing where the client is of the legacy era, and goes on with the session (O14, A37)', async (test) => {
    const gate = await startGate(test, { command: fixture('stdio-legacy.ts'), era: 'legacy' })
    const token = await tokenFor(gate.mcpUrl, 'ada')
    const { headers } = await openLegacySession(gate.mcpUrl, token)
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
    const meta = { progressToken: 'p' }
    const params = { id: 1, meta, name: 'wait', arguments: {} }
    const waiting = openModern(gate.mcpUrl, token, 'tools/call', params)
    await waiting.until(1) // the server is at it
    waiting.leave()
    await until(async () => textOf(await call('cancelled')) === '1', 'the server hears of it')
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
    const open = (index: number): Promise<LegacySession> =>
      openLegacySession(gate.mcpUrl, tokens[index] as string)
    const [first, second, third] = [await open(0), await open(1), await open(2)]
    assert.deepEqual(
      [first, second, third].map(({ opened }) => opened.status),
      [200, 200, 503],
    )
    assert.ok(Number(third.opened.headers.get('retry-after')) > 0)
    assert.equal((await callModern(gate.mcpUrl, tokens[2] as string, 'server/discover')).status, 503)
    await first.send(undefined, 'DELETE')
    const { status } = (await open(2)).opened
    assert.equal(status, 200, 'a process that has ended makes room')
  })
  it('have one for each caller, who keeps those of open clients, and gets others for those that are gone', async (test) => {
    const gate = await startGate(test, {
      command: fixture('stdio-legacy.ts'),
      era: 'legacy',
      processesPerCaller: 2,
    })
    const [ada, eve] = await Promise.all(['ada', 'eve'].map((user) => tokenFor(gate.mcpUrl, user)))
    const open = (): Promise<LegacySession> => openLegacySession(gate.mcpUrl, ada as string)
    const [first, second] = [await open(), await open()]
    const [stream, another] = [await first.listen(), await second.listen()]
    assert.equal((await open()).opened.status, 503, 'both are in use')
    assert.equal((await openLegacySession(gate.mcpUrl, eve as string)).opened.status, 200)
    another.leave()
    let third = await open()
    await until(async () => {
      if (third.opened.status === 503) third = await open()
      return third.opened.status === 200
    }, 'nobody listens to the second one any more')
    assert.equal((await second.listen()).status, 503, 'who only listens takes nobody’s place')
    const streamOfThird = await third.listen()
    assert.equal((await second.listen()).status, 503)
    streamOfThird.leave()
    await until(
      async () => (await second.request('ping')).status === 200,
      'who comes back takes that of one who is gone',
    )
    assert.equal(stream.isOver(), false)
    stream.leave()
  })
})
