import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { callModern, type Messages, post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest, modernRequest } from '../support/gated-spy.ts'
import { type Installation, startInstallation } from '../support/installation.ts'

const program = join(import.meta.dirname, '../fixtures/eras/stdio.ts')

function startGate(
  era: 'modern' | 'legacy',
  settings: Partial<NonNullable<ConfigInput['upstreams']>[number]>,
): Promise<Installation> {
  const command = [process.execPath, program, era]
  return startInstallation({ config: { upstreams: [{ name: 'stdio', command, ...settings }] } })
}

function textOf({ messages }: Messages): string | undefined {
  const { content } = (messages.at(-1)?.result ?? {}) as { content?: { text: string }[] }
  return content?.[0]?.text
}

describe('a stdio process that all callers share', () => {
  let gate: Installation
  let tokens: readonly string[]
  before(async () => {
    gate = await startGate('modern', { principals: 'shared' })
    tokens = await Promise.all(['ada', 'eve'].map((user) => tokenFor(gate.mcpUrl, user)))
  })
  after(() => gate.close())

  it('crosses no answer and no progress of 1,000 interleaved requests with the same ids (A37, A38)', {
    timeout: 120_000,
  }, async () => {
    const [perUser, atOnce] = [500, 25]
    const crossed: unknown[] = []
    const run = async (user: number, lane: number): Promise<void> => {
      for (let number = lane; number < perUser; number += atOnce) {
        const mark = user * 10_000 + number
        const answer = await callModern(gate.mcpUrl, tokens[user] as string, 'tools/call', {
          // Both users, and the lanes of each, use the same few ids and tokens.
          id: number % 5,
          meta: { progressToken: number % 3 },
          name: 'echo',
          arguments: { mark },
        })
        const progress = answer.messages.filter(({ method }) => method === 'notifications/progress')
        const seen = {
          id: answer.messages.at(-1)?.id,
          text: textOf(answer),
          progress: progress.map(({ params }) => [params?.['progressToken'], params?.['progress']]),
        }
        const expected = { id: number % 5, text: String(mark), progress: [[number % 3, mark]] }
        if (JSON.stringify(seen) !== JSON.stringify(expected)) crossed.push({ seen, expected })
      }
    }
    const lanes = [0, 1].flatMap((user) => Array.from({ length: atOnce }, (_, lane) => run(user, lane)))
    await Promise.all(lanes)
    assert.deepEqual(crossed, [])
  })

  it('is one process, for modern clients and for the sessions of legacy ones', async () => {
    const pids = await Promise.all(
      tokens.map(async (token) => {
        const opening = {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'x', version: '1' },
        }
        const opened = await post(gate.mcpUrl, token, legacyRequest('initialize', opening))
        const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') as string }
        const call = legacyRequest('tools/call', { name: 'process', arguments: {} })
        const modern = await callModern(gate.mcpUrl, token, 'tools/call', { name: 'process', arguments: {} })
        return [textOf(await post(gate.mcpUrl, token, call, { headers: session })), textOf(modern)]
      }),
    )
    assert.equal(new Set(pids.flat()).size, 1)
  })
})

describe('a user who crashes a process of all (A36)', () => {
  it('has to wait after a few times, and the others go on', async () => {
    const gate = await startGate('modern', { principals: 'shared', era: 'modern' })
    const tokens = await Promise.all(['eve', 'ada'].map((user) => tokenFor(gate.mcpUrl, user)))
    const [eve, ada] = tokens.map((token) => (name: string): Promise<Messages> => {
      return callModern(gate.mcpUrl, token, 'tools/call', { name, arguments: {} })
    }) as [(name: string) => Promise<Messages>, (name: string) => Promise<Messages>]
    const listening = new AbortController()
    const { body, headers } = modernRequest('subscriptions/listen', {
      notifications: { toolsListChanged: true },
    })
    const options = { headers, signal: listening.signal }
    post(gate.mcpUrl, tokens[1] as string, body, options).catch(() => {})
    for (let count = 0; count < 3; count++) assert.equal((await eve('crash')).status, 502)
    const refused = await eve('process')
    assert.equal(refused.status, 502)
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    assert.equal((await ada('process')).status, 200)
    listening.abort()
    await gate.close()
  })
})

describe('a legacy server', () => {
  it('cannot be shared: that is said plainly, and nobody gets through to it (A38)', async () => {
    const gate = await startGate('legacy', { principals: 'shared' })
    const token = await tokenFor(gate.mcpUrl, 'ada')
    for (const answer of [
      await callModern(gate.mcpUrl, token, 'tools/list'),
      await post(gate.mcpUrl, token, legacyRequest('initialize', { protocolVersion: '2025-11-25' })),
    ]) {
      assert.equal(answer.status, 502)
    }
    assert.match(gate.log(), /principals: shared needs a server of MCP 2026-07-28.*set principals: isolated/)
    await gate.close()
  })
})

describe('a stdio process of one caller', () => {
  it('serves nobody else, and all modern requests of its caller', async () => {
    const gate = await startGate('modern', {})
    const tokens = await Promise.all(['ada', 'eve'].map((user) => tokenFor(gate.mcpUrl, user)))
    const pidFor = async (token: string): Promise<string | undefined> =>
      textOf(await callModern(gate.mcpUrl, token, 'tools/call', { name: 'process', arguments: {} }))
    const [hers, again, his] = [
      await pidFor(tokens[0] as string),
      await pidFor(tokens[0] as string),
      await pidFor(tokens[1] as string),
    ]
    assert.equal(hers, again)
    assert.notEqual(hers, his)
    await gate.close()
  })

  it('is stopped when it takes more memory than it may, which the log tells (A36)', {
    skip: process.platform !== 'linux',
  }, async () => {
    const gate = await startGate('modern', { memoryMegabytes: 400 })
    const token = await tokenFor(gate.mcpUrl, 'ada')
    const call = (name: string): Promise<Messages> =>
      callModern(gate.mcpUrl, token, 'tools/call', { name, arguments: {} })
    assert.equal((await call('cancelled')).status, 200)
    assert.equal((await call('grow')).status, 502)
    assert.match(gate.log(), /used \d+ MB, more than memoryMegabytes: 400, and was stopped/)
    assert.equal((await call('cancelled')).status, 200, 'and is started anew')
    await gate.close()
  })

  it('ends when it is idle, and is started again when it is needed', async () => {
    const gate = await startGate('modern', { idleSeconds: 1 })
    const token = await tokenFor(gate.mcpUrl, 'ada')
    const pid = async (): Promise<number> =>
      Number(textOf(await callModern(gate.mcpUrl, token, 'tools/call', { name: 'process', arguments: {} })))
    const first = await pid()
    const end = performance.now() + 15_000
    while (isAlive(first) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(isAlive(first), false)
    assert.notEqual(await pid(), first)
    await gate.close()
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
