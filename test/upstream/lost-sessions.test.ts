import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type Messages, tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { isRunning } from '../support/is-running.ts'
import { hello, type LegacySession, openLegacySession } from '../support/legacy-session.ts'
import { answerAll, type SseServer, startSseServer } from '../support/sse-server.ts'
import { until } from '../support/until.ts'

const command = [process.execPath, join(import.meta.dirname, '../fixtures/stdio-legacy.ts')]
const who = legacyRequest('tools/call', { name: 'who', arguments: {} })
/** Longer than `idleSeconds` of a second, in which timers may be late. */
const longIdle = 1700

interface Who {
  readonly pid: number
  readonly calls: number
  readonly hello: unknown
  readonly isInitialized: boolean
}

let server: SseServer
let gate: Installation
/** Servers whose sessions are idle soon, and others. */
const paths = { stdio: '/mcp', sse: '/sse/mcp', calmStdio: '/calm-stdio/mcp', calmSse: '/calm-sse/mcp' }
type Server = keyof typeof paths
let tokens: Readonly<Record<Server, string>>
before(async () => {
  server = await startSseServer()
  const stdio = { command, era: 'legacy' } as const
  const sse = { url: server.url, transport: 'sse' } as const
  gate = await startInstallation({
    config: {
      upstreams: [
        { name: 'stdio', path: paths.stdio, ...stdio, idleSeconds: 1 },
        { name: 'sse', path: paths.sse, ...sse, idleSeconds: 1 },
        { name: 'calm-stdio', path: paths.calmStdio, ...stdio },
        { name: 'calm-sse', path: paths.calmSse, ...sse },
      ],
    },
  })
  const entries = Object.entries(paths).map(async ([name, path]) => [
    name,
    await tokenFor(gate.url + path, 'ada'),
  ])
  tokens = Object.fromEntries(await Promise.all(entries)) as typeof tokens
})
after(async () => {
  await gate.close()
  await server.close()
})
beforeEach(() => {
  server.onPost = answerAll
})

const open = (to: Server): Promise<LegacySession> =>
  openLegacySession(gate.url + paths[to], tokens[to], to.endsWith('dio') ? undefined : '2024-11-05')

function whoIs({ status, messages }: Messages): Who {
  assert.equal(status, 200, JSON.stringify(messages))
  const { content } = messages.at(-1)!.result as unknown as { content: { text: string }[] }
  return JSON.parse(content[0]?.text ?? '') as Who
}

const change = { method: 'notifications/tools/list_changed' }

describe('a legacy session that its client leaves alone for long (N26)', () => {
  it('lives as long as the client holds its stream, and no longer', async () => {
    const [held, overSse] = [await open('stdio'), await open('sse')]
    const [first, second] = [await held.listen(), await overSse.listen()]
    const stream = server.streams.at(-1)!
    const { pid } = whoIs(await held.send(who))
    await wait(longIdle + 1000)
    stream.say(change)
    await until(() => second.read().includes('list_changed'))
    assert.deepEqual([first.isOver(), second.isOver(), stream.closed], [false, false, false])
    const later = whoIs(await held.send(who))
    assert.deepEqual([later.pid, later.calls], [pid, 3])
    first.leave()
    second.leave()
    await until(() => !isRunning(pid) && stream.closed)
  })

  it('is opened again over stdio as its client opened it, once for all who come, and no one notices', async () => {
    const session = await open('stdio')
    const { pid } = whoIs(await session.send(who))
    await until(() => !isRunning(pid))
    const answers = await Promise.all(Array.from({ length: 5 }, () => session.send(who)))
    const seen = answers.map(whoIs)
    assert.equal(new Set(seen.map((one) => one.pid)).size, 1)
    assert.notEqual(seen[0]?.pid, pid)
    assert.deepEqual(seen[0]?.hello, hello)
    assert.equal(seen[0]?.isInitialized, true)
    assert.deepEqual(
      seen.map(({ calls }) => calls).toSorted((left, right) => left - right),
      [2, 3, 4, 5, 6],
    )
    assert.equal(answers[0]?.headers.get('mcp-session-id'), session.headers['mcp-session-id'])
  })

  it('is opened again over HTTP+SSE, with the credential of the gateway', async () => {
    const session = await open('sse')
    const first = server.streams.at(-1)!
    await until(() => first.closed)
    assert.equal((await session.request('tools/list')).messages[0]?.result?.['echo'], 'tools/list')
    const second = server.streams.at(-1)!
    assert.notEqual(second, first)
    assert.deepEqual(
      second.posted.map(({ message }) => message['method']),
      ['initialize', 'notifications/initialized', 'tools/list'],
    )
    assert.deepEqual(second.posted[0]?.message['params'], { ...hello, protocolVersion: '2024-11-05' })
    assert.match(second.posted[0]?.headers.authorization ?? '', /^Bearer ey/)
    assert.notEqual(second.posted[0]?.headers.authorization, `Bearer ${tokens.sse}`)
  })

  it('is opened again for its stream, which hears what is new, and for nothing that waits for the old one', async () => {
    const session = await open('sse')
    await until(() => server.streams.at(-1)!.closed)
    const count = server.streams.length
    for (const body of [
      { jsonrpc: '2.0', id: 'q', result: {} },
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } },
    ])
      assert.equal((await session.send(body)).status, 400)
    assert.equal(server.streams.length, count)
    const stream = await session.listen()
    assert.equal(stream.status, 200)
    server.streams.at(-1)!.say(change)
    await until(() => stream.read().includes('list_changed'))
    stream.leave()
  })

  it('is 404 where the client counts on what it held, or has ended it, also after a restart (H3)', async () => {
    const [plain, ended, subscribed, levelled] = [
      await open('calmStdio'),
      await open('calmStdio'),
      await open('calmStdio'),
      await open('calmStdio'),
    ]
    const overSse = await open('calmSse')
    assert.equal((await ended.send(undefined, 'DELETE')).status, 200)
    assert.equal((await ended.send(who)).status, 404)
    assert.equal((await subscribed.request('resources/subscribe', { uri: 'test:///a' })).status, 200)
    assert.equal((await levelled.request('logging/setLevel', { level: 'info' })).status, 200)
    await gate.restart()
    const statuses = await Promise.all(
      [ended, subscribed, levelled].map(async (session) => (await session.send(who)).status),
    )
    assert.deepEqual(statuses, [404, 404, 404])
    assert.equal((await ended.listen()).status, 404)
    assert.equal(whoIs(await plain.send(who)).calls, 2)
    assert.equal((await overSse.request('tools/list')).status, 200)
    assert.equal((await ended.send(undefined, 'DELETE')).status, 404)
  })

  it('is 404 where the server goes on in another revision, and nothing stays open', async () => {
    const session = await open('sse')
    const earlier = server.streams.length
    await until(() => server.streams.at(-1)!.closed)
    server.onPost = ({ id, method }, stream) =>
      method === 'initialize' && stream.say({ id, result: { protocolVersion: '2025-06-18' } })
    assert.equal((await session.request('tools/list')).status, 404)
    assert.equal(server.streams.length, earlier + 1)
    await until(() => server.streams.at(-1)!.closed)
    assert.deepEqual(
      server.streams.at(-1)!.posted.map(({ message }) => message['method']),
      ['initialize'],
    )
  })

  it('is nobody else’s', async () => {
    const session = await open('calmStdio')
    const url = gate.url + paths.calmStdio
    const eve = await tokenFor(url, 'eve')
    await gate.restart()
    const theirs = await openLegacySession(url, eve)
    for (const method of ['POST', 'GET', 'DELETE']) {
      const answer = await fetch(url, {
        method,
        headers: {
          ...session.headers,
          authorization: `Bearer ${eve}`,
          accept: 'application/json, text/event-stream',
          'content-type': 'application/json',
        },
        ...(method === 'POST' ? { body: JSON.stringify(who) } : {}),
      })
      assert.equal(answer.status, 404)
    }
    assert.equal(whoIs(await theirs.send(who)).calls, 2)
  })
})
