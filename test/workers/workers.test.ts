import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { startDemoServer } from '../../demo/server.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { pauseAfterLosses } from '../../src/workers/crew.ts'
import { pidOf, who } from '../support/ask-who.ts'
import { childrenOf } from '../support/children-of.ts'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { portcullis } from '../support/command.ts'
import { callModern, type Messages, post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { freePort } from '../support/installation.ts'
import { installationStores } from '../support/installation-stores.ts'
import { isRunning } from '../support/is-running.ts'
import { openLegacySession } from '../support/legacy-session.ts'
import { listen } from '../support/listen.ts'
import { OAuthClient } from '../support/oauth.ts'
import { memoryProvider } from '../support/sdk-provider.ts'
import { answerAll, type SseServer, startSseServer } from '../support/sse-server.ts'
import { until } from '../support/until.ts'
import { startWorkers, type WorkerInstallation } from '../support/worker-installation.ts'

const stdio = [process.execPath, join(import.meta.dirname, '../fixtures/stdio-legacy.ts')]
const nobody = { url: 'http://127.0.0.1:9/mcp', breaker: { failures: 0 } }
/** Makes each request come on a connection of its own, so that the next worker gets it. */
const own = { connection: 'close' }
const list = legacyRequest('tools/list')
const initialize = legacyRequest('initialize', { protocolVersion: '2025-06-18', capabilities: {} })

const ask = (url: string, token: string, body: object = list, headers: Record<string, string> = {}) =>
  post(url, token, body, { headers: { ...own, ...headers } })

/** Which workers answered requests. */
async function workersOf(gate: WorkerInstallation, answers: readonly Messages[]): Promise<Set<number>> {
  const ids = answers.map(({ headers }) => headers.get('x-request-id'))
  return new Set(await Promise.all(ids.map((id) => gate.workerOf(id, 'mcp'))))
}

/** Asks until both of two workers have answered. */
async function askBoth(gate: WorkerInstallation, url: string, token: string): Promise<Messages[]> {
  const answers: Messages[] = []
  do answers.push(await ask(url, token))
  while (answers.length < 20 && (await workersOf(gate, answers)).size < 2)
  assert.equal((await workersOf(gate, answers)).size, 2, 'both workers have answered')
  return answers
}

const statusesOf = (answers: readonly Messages[]): number[] => [
  ...new Set(answers.map(({ status }) => status)),
]

/** A login, a refresh and a revocation, each of which any of two workers may get. */
async function proveOne(gate: WorkerInstallation, url: string): Promise<void> {
  const client = new OAuthClient(gate.url)
  const signedIn = await client.signIn({ scope: 'mcp:tools:read', resource: url })
  assert.deepEqual(statusesOf(await askBoth(gate, url, signedIn.access_token)), [502], 'let in by both')
  const steps = gate.lines().filter(({ kind }) => kind === 'oauth')
  assert.equal(new Set(steps.map(({ worker }) => worker)).size, 2, 'the login itself went to both')

  const refreshed = await client.refresh(signedIn.refresh_token)
  assert.equal(refreshed.status, 200)
  const { refresh_token: token } = refreshed.body
  const revoked = await client.token({ token, client_id: client.clientId }, { path: '/revoke' })
  assert.equal(revoked.status, 200)
  for (const ended of [signedIn.access_token, refreshed.body.access_token])
    await until(
      async () => statusesOf(await askBoth(gate, url, ended)).join() === '401',
      'both have heard of the revocation',
    )
}

describe('two workers', { timeout: 280_000 }, () => {
  let gate: WorkerInstallation
  let sse: SseServer
  const at = (name: string): string => `${gate.url}/${name}/mcp`
  const suite = closeAfterTests()
  before(async () => {
    const port = await freePort()
    const issuer = `http://127.0.0.1:${port}/gateway`
    const gateway = { issuer, jwksUrl: `${issuer}/jwks` }
    const demo = await startDemoServer({ host: '127.0.0.1', port: 0, gateway })
    suite.after(() => demo.close())
    sse = await startSseServer()
    suite.after(() => sse.close())
    sse.onPost = answerAll
    const upstreams: ConfigInput['upstreams'] = [
      { name: 'demo', url: demo.url },
      { name: 'sse', path: '/sse/mcp', url: sse.url, transport: 'sse' },
      { name: 'stdio', path: '/stdio/mcp', command: stdio, era: 'legacy', processesPerCaller: 2 },
      { name: 'nobody', path: '/nobody/mcp', ...nobody },
      { name: 'limited', path: '/limited/mcp', ...nobody, limits: { perMinute: 4 } },
    ]
    gate = await startWorkers(suite, 2, {
      upstreams,
      listen: { gateway: port },
    })
  })

  it('are one installation: a login at one is a token at the other, and both obey a revocation within two seconds (A72)', () =>
    proveOne(gate, at('nobody')))

  it('serve the official SDK in both eras, with a session that any of them continues (A72)', async () => {
    for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
      const provider = memoryProvider()
      const transport = () =>
        new StreamableHTTPClientTransport(new URL(gate.mcpUrl), {
          authProvider: provider as never,
          fetch: (url, init) =>
            fetch(url, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), ...own } }),
        })
      const open = async (): Promise<Client> => {
        const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
        await client.connect(transport())
        return client
      }
      await assert.rejects(open(), /Unauthorized/)
      await transport().finishAuth(provider.callback().searchParams)
      const client = await open()
      for (let round = 0; round < 6; round++) assert.equal((await client.listTools()).tools.length, 10)
      await client.close()
    }
    const served = gate.lines().filter(({ upstream }) => upstream === 'demo')
    assert.deepEqual(new Set(served.map(({ worker }) => worker)), new Set([0, 1]))
  })

  it('count rates together (A36)', async () => {
    const token = await tokenFor(at('limited'), 'ada')
    const answers: Messages[] = []
    for (let n = 0; n < 8; n++) answers.push(await ask(at('limited'), token))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [502, 502, 502, 502, 503, 503, 503, 503],
    )
    assert.equal((await workersOf(gate, answers)).size, 2)
  })

  it('find the process of a session at a stdio server again, and nobody else does (A29, A72)', async () => {
    const seen = new Set<number>()
    for (const user of ['ada', 'eve', 'bob']) {
      const token = await tokenFor(at('stdio'), user)
      const first = await openLegacySession(at('stdio'), token)
      assert.equal(first.opened.status, 200)
      const session = first.headers
      const answers: Messages[] = []
      for (let n = 0; n < 4; n++) answers.push(await ask(at('stdio'), token, who, session))
      assert.equal(new Set(answers.map(pidOf)).size, 1, 'one process')
      assert.equal((await workersOf(gate, answers)).size, 2, 'both workers were asked')
      seen.add(pidOf(answers[0] as Messages))

      const modern: Messages[] = []
      for (let n = 0; n < 4; n++)
        modern.push(await callModern(at('stdio'), token, 'tools/call', { name: 'who' }))
      assert.equal(new Set(modern.map(pidOf)).size, 1, 'one process for all modern requests of a user')

      const stranger = await tokenFor(at('stdio'), 'mallory')
      for (let n = 0; n < 2; n++) assert.equal((await ask(at('stdio'), stranger, who, session)).status, 404)
      const streams = [await first.listen(), await (await openLegacySession(at('stdio'), token)).listen()]
      // A refusal of the other worker is the same refusal.
      for (let n = 0; n < 2; n++) {
        const refused = await ask(at('stdio'), token, initialize)
        assert.equal(refused.status, 503)
        assert.match(JSON.stringify(refused.messages[0]?.error?.data), /"too_many_requests"/)
        assert.equal(refused.headers.get('retry-after'), '5')
      }
      for (const stream of streams) stream.leave()
    }
    assert.equal(seen.size, 3, 'nobody shares one')
  })

  it('find a session over HTTP+SSE again, and the messages on its stream', async () => {
    for (const user of ['ada', 'eve', 'bob']) {
      const token = await tokenFor(at('sse'), user)
      const opened = await ask(at('sse'), token, initialize)
      const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') as string }
      const upstream = sse.streams.at(-1)
      const answers: Messages[] = []
      for (let n = 0; n < 4; n++) answers.push(await ask(at('sse'), token, list, session))
      for (const { messages } of answers) assert.equal(messages[0]?.result?.['echo'], 'tools/list')
      assert.equal((await workersOf(gate, answers)).size, 2)

      for (let n = 0; n < 2; n++) {
        const abort = new AbortController()
        const heard = await fetch(at('sse'), {
          headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...session },
          signal: abort.signal,
        })
        assert.equal(heard.status, 200)
        upstream?.say({ method: 'notifications/tools/list_changed' })
        let text = ''
        for await (const chunk of heard.body as AsyncIterable<Uint8Array>) {
          text += Buffer.from(chunk).toString()
          if (text.includes('list_changed')) break
        }
        abort.abort()
      }
    }
  })

  it('are replaced when they die, and what they had counted is not lost', async () => {
    const token = await tokenFor(at('nobody'), 'ada')
    const count = async (): Promise<number> => {
      const text = await (await fetch(`${gate.adminUrl}/metrics`)).text()
      return Number(/^portcullis_requests_total\{kind="mcp",status="502"\} (\d+)$/m.exec(text)?.[1])
    }
    await askBoth(gate, at('nobody'), token)
    const earlier = await count()
    const workers = await childrenOf(gate.started.process.pid)
    process.kill(workers[0] as number, 'SIGKILL')
    await gate.until(/ended with SIGKILL and is replaced/)
    for (let n = 0; n < 4; n++) assert.equal((await ask(at('nobody'), token)).status, 502)
    assert.equal(await count(), earlier + 4)
    await until(
      async () => (await childrenOf(gate.started.process.pid)).length === 2,
      'another one has begun',
    )
    assert.ok(!(await childrenOf(gate.started.process.pid)).includes(workers[0] as number))
    assert.equal((await fetch(`${gate.adminUrl}/readyz`)).status, 200)
  })

  it('are replaced one after another on SIGUSR2 while requests are answered; a session goes on, in one process (N26)', async () => {
    const metrics = async () => (await fetch(`${gate.adminUrl}/metrics`)).text()
    await until(async () => !(await metrics()).includes('portcullis_workers 1'), 'both workers are there')
    const token = await tokenFor(at('stdio'), 'dan')
    const opened = await ask(at('stdio'), token, initialize)
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') as string }
    const first = await ask(at('stdio'), token, who, session)
    assert.equal(first.status, 200)
    const elsewhere = await tokenFor(at('nobody'), 'dan')

    const earlier = await childrenOf(gate.started.process.pid)
    const load = new AbortController()
    const answers: Messages[] = []
    const asking = (async () => {
      while (!load.signal.aborted) answers.push(await ask(at('nobody'), elsewhere))
    })()
    gate.started.process.kill('SIGUSR2')
    await gate.until(/was replaced/, 2)
    load.abort()
    await asking
    assert.deepEqual(statusesOf(answers), [502], 'no request was refused or lost')
    const later = await childrenOf(gate.started.process.pid)
    assert.equal(later.length, 2)
    assert.ok(later.every((pid) => !earlier.includes(pid)))
    const renewed: Messages[] = []
    for (let n = 0; n < 4; n++) renewed.push(await ask(at('stdio'), token, who, session))
    assert.equal(new Set(renewed.map(pidOf)).size, 1, 'one other process, whichever worker is asked')
    assert.notEqual(pidOf(renewed[0] as Messages), pidOf(first))
    await post(at('stdio'), token, undefined, { headers: session, method: 'DELETE' })
    for (let n = 0; n < 2; n++) assert.equal((await ask(at('stdio'), token, who, session)).status, 404)
  })

  it('end with their primary, in order', async () => {
    const workers = await childrenOf(gate.started.process.pid)
    gate.started.process.kill('SIGTERM')
    assert.equal(await gate.started.exit, 0)
    for (const pid of workers) assert.ok(!isRunning(pid))
    assert.equal(gate.lines().filter(({ msg }) => msg === 'ready').length, 1, 'ready was said once')
  })
})

describe('two workers on PostgreSQL', { timeout: 280_000 }, () => {
  it('are one installation as well (A72)', async (test) => {
    const store = await installationStores[1]!.open()
    test.after(() => store.close())
    const gate = await startWorkers(test, 2, { ...store.config, upstreams: [{ name: 'nobody', ...nobody }] })
    await proveOne(gate, gate.mcpUrl)
    gate.started.process.kill('SIGTERM')
    assert.equal(await gate.started.exit, 0)
  })
})

describe('workers that cannot start', { timeout: 120_000 }, () => {
  it('tell once what an operator can mend, and none is left', async (test) => {
    const holder = createServer()
    const { port } = await listen(holder, test)
    await assert.rejects(startWorkers(test, 2, { listen: { gateway: port } }), (error: Error) => {
      assert.match(error.message, /portcullis ended with 2/)
      assert.equal(error.message.match(/is taken by/g)?.length, 1)
      return true
    })
  })

  it('are one or more', async () => {
    const { code, stderr } = await portcullis(['serve', '--workers', '0'])
    assert.equal(code, 2)
    assert.match(stderr, /from 1 to 256/)
  })

  it('are started less and less often', () => {
    assert.deepEqual([0, 1, 2, 3, 4, 20].map(pauseAfterLosses), [0, 0, 1000, 2000, 4000, 60_000])
  })
})
