import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { ConfigInput } from '../../src/config/schema.ts'
import { metaKeys } from '../../src/mcp/meta-keys.ts'
import { callModern, type Messages, post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest, modernRequest } from '../support/gated-spy.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { isRunning } from '../support/is-running.ts'
import { type OpenRequest, openModern } from '../support/open-modern.ts'
import { pretendPlatform } from '../support/pretend-platform.ts'
import { until } from '../support/until.ts'

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

  it('crosses nothing of 1,000 interleaved requests with the same ids, cancellations and subscriptions among them (A37, A38)', {
    timeout: 120_000,
  }, async () => {
    const [perUser, atOnce] = [500, 25]
    const crossed: unknown[] = []
    const expect = (seen: unknown, expected: unknown): void => {
      if (!isDeepStrictEqual(seen, expected)) crossed.push({ seen, expected })
    }
    const uriOf = (user: number): string => `test:///${user}`
    const subscribe = (user: number): OpenRequest =>
      openModern(gate.mcpUrl, tokens[user] as string, 'subscriptions/listen', {
        id: 1,
        notifications: { resourceSubscriptions: [uriOf(user)] },
      })
    const told = (stream: OpenRequest): unknown[] =>
      stream.heard().map(({ method, params }) => [method, params?.['uri'], params?.['_meta']])
    const stamp = { [metaKeys.subscriptionId]: 1 }
    const acknowledged = ['notifications/subscriptions/acknowledged', undefined, stamp]
    const updatedOf = (user: number) => ['notifications/resources/updated', uriOf(user), stamp]
    const progressOf = ({ messages }: Pick<Messages, 'messages'>): unknown[] =>
      messages
        .filter(({ method }) => method === 'notifications/progress')
        .map(({ params }) => [params?.['progressToken'], params?.['progress']])
    const streams = [subscribe(0), subscribe(1)]
    await Promise.all(streams.map((stream) => stream.until(1)))

    const steps = {
      async echo(user: number, number: number): Promise<void> {
        const mark = user * 10_000 + number
        const answer = await callModern(gate.mcpUrl, tokens[user] as string, 'tools/call', {
          // Both users, and the lanes of each, use the same few ids and tokens.
          id: number % 5,
          meta: { progressToken: number % 3 },
          name: 'echo',
          arguments: { mark },
        })
        const { id } = answer.messages.at(-1) ?? {}
        expect([id, textOf(answer), progressOf(answer)], [number % 5, String(mark), [[number % 3, mark]]])
      },
      async cancel(user: number, number: number): Promise<void> {
        const call = openModern(gate.mcpUrl, tokens[user] as string, 'tools/call', {
          id: number % 5,
          meta: { progressToken: number % 3 },
          name: 'wait',
          arguments: {},
        })
        await call.until(1)
        call.leave()
        expect(progressOf({ messages: call.heard() }), [[number % 3, 0]])
      },
      async touch(user: number, number: number): Promise<void> {
        const params = { id: number % 5, name: 'touch', arguments: { uri: uriOf(user) } }
        const answer = await callModern(gate.mcpUrl, tokens[user] as string, 'tools/call', params)
        expect(textOf(answer), 'touched')
      },
      async listen(user: number): Promise<void> {
        const stream = subscribe(user)
        await stream.until(1)
        stream.leave()
        const [first, ...more] = told(stream)
        expect(first, acknowledged)
        for (const one of more) expect(one, updatedOf(user))
      },
    }
    const done = { echo: 0, cancel: 0, touch: 0, listen: 0 }
    const run = async (user: number, lane: number): Promise<void> => {
      for (let number = lane; number < perUser; number += atOnce) {
        const kind = ({ 3: 'cancel', 8: 'touch', 13: 'listen' } as const)[number % 20] ?? 'echo'
        done[kind]++
        await steps[kind](user, number)
      }
    }
    const lanes = [0, 1].flatMap((user) => Array.from({ length: atOnce }, (_, lane) => run(user, lane)))
    await Promise.all(lanes)
    assert.deepEqual(done, { echo: 850, cancel: 50, touch: 50, listen: 50 })
    await Promise.all(streams.map((stream) => stream.until(26)))
    for (const [user, stream] of streams.entries()) {
      expect(told(stream), [acknowledged, ...Array.from({ length: 25 }, () => updatedOf(user))])
      stream.leave()
    }
    assert.deepEqual(crossed, [])
    const cancelled = async (): Promise<string | undefined> => {
      const params = { name: 'cancelled', arguments: {} }
      return textOf(await callModern(gate.mcpUrl, tokens[0] as string, 'tools/call', params))
    }
    await until(async () => (await cancelled()) === '50', 'each cancellation has reached its own request')
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
    // Where her pause was over before she came back, the next one is longer.
    await until(async () => {
      const { status, headers: answered } = await eve('crash')
      assert.equal(status, 502)
      return Number(answered.get('retry-after')) > 0
    }, 'she has to wait')
    assert.equal((await ada('process')).status, 200)
    listening.abort()
    await gate.close()
  })
})

describe('a legacy server', () => {
  it('cannot be shared: that is said plainly, and nobody gets through to it (A38)', async () => {
    const gate = await startGate('legacy', { principals: 'shared' })
    const token = await tokenFor(gate.mcpUrl, 'ada')
    const initialize = legacyRequest('initialize', { protocolVersion: '2025-11-25' })
    for (const answer of [
      await post(gate.mcpUrl, token, initialize),
      await post(gate.mcpUrl, token, initialize),
      await callModern(gate.mcpUrl, token, 'tools/list'),
    ]) {
      assert.equal(answer.status, 502)
    }
    assert.equal(gate.log().match(/asked for the modern era/g)?.length, 1, 'no process is started for each')
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
    const [, used] = /used (\d+) MB, more than memoryMegabytes: 400, and was stopped/.exec(gate.log()) ?? []
    assert.ok(Number(used) > 400, gate.log())
    assert.equal((await call('cancelled')).status, 200, 'and is started anew')
    await gate.close()
  })

  it('is not stopped for that on another system than Linux, of which the log warns', async (test) => {
    for (const [platform, warned] of [
      ['darwin', true],
      ['linux', false],
    ] as const) {
      pretendPlatform(test, platform)
      const gate = await startGate('modern', { memoryMegabytes: 400 })
      assert.equal(
        /"level":40.*stdio: memoryMegabytes has no effect except on Linux/.test(gate.log()),
        warned,
        platform,
      )
      await gate.close()
    }
  })

  it('ends when it is idle, and is started again when it is needed', async () => {
    const gate = await startGate('modern', { idleSeconds: 1 })
    const token = await tokenFor(gate.mcpUrl, 'ada')
    const pid = async (): Promise<number> =>
      Number(textOf(await callModern(gate.mcpUrl, token, 'tools/call', { name: 'process', arguments: {} })))
    const first = await pid()
    await until(() => !isRunning(first), 'the process has ended')
    assert.notEqual(await pid(), first)
    await gate.close()
  })
})
