import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as setTimeoutPromise } from 'node:timers/promises'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { parseLossless } from '../../src/mcp/lossless.ts'
import { secretValues, serverEnvironment } from '../../src/upstream/stdio/environment.ts'
import { portcullis, startPortcullis } from '../support/command.ts'
import { tokenFor } from '../support/era-calls.ts'
import { freePort, type Installation, startInstallation } from '../support/installation.ts'
import { isRunning } from '../support/is-running.ts'
import { until } from '../support/until.ts'

const fixture = (name: string): string[] => [process.execPath, join(import.meta.dirname, '../fixtures', name)]

interface Opened {
  readonly client: Client
  readonly notifications: unknown[]
}

interface Who {
  readonly pid: number
  readonly calls: number
  readonly argv: readonly string[]
}

/** Our environment while the installation starts. */
const variables = {
  PORTCULLIS_SECRET: 'x'.repeat(43),
  CLOUD_KEY: 'of the gate alone',
  SERVER_KEY: 'of the server',
}

let installation: Installation
before(async () => {
  const command = [...fixture('stdio-legacy.ts'), '--flag', '$(touch x); `id`']
  Object.assign(process.env, variables)
  installation = await startInstallation({
    config: { upstreams: [{ name: 'stdio', command, environment: ['SERVER_KEY', 'SERVER_KYE'] }] },
  })
  for (const name of Object.keys(variables)) delete process.env[name]
})
after(() => installation.close())

async function open(user: string): Promise<Opened> {
  const token = await tokenFor(installation.mcpUrl, user)
  const client = new Client({ name: 'test', version: '1' }, { capabilities: { sampling: {} } })
  const notifications: unknown[] = []
  client.fallbackNotificationHandler = async (notification) => void notifications.push(notification)
  client.setRequestHandler('sampling/createMessage', async () => ({
    model: 'm',
    role: 'assistant' as const,
    content: { type: 'text' as const, text: 'answered by the client' },
  }))
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(installation.mcpUrl), { requestInit }))
  return { client, notifications }
}

/** Opens a stream for messages of the server, and reads nothing of it. */
async function listenUnread({ client }: Opened): Promise<{ isCut: () => Promise<boolean> }> {
  const { sessionId } = client.transport as StreamableHTTPClientTransport
  const token = await tokenFor(installation.mcpUrl, 'ada')
  const { host, port } = new URL(installation.url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => {}) // a reset is an answer, too
  const closed = new Promise<true>((resolve) => socket.once('close', () => resolve(true)))
  socket.write(
    `GET /mcp HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}\r\n` +
      `Mcp-Session-Id: ${sessionId}\r\n\r\n`,
  )
  await new Promise<void>((resolve) => {
    socket.once('data', () => {
      socket.pause()
      resolve()
    })
  })
  return {
    async isCut() {
      socket.resume()
      const cut = await Promise.race([closed, setTimeoutPromise(20_000, false, { ref: false })])
      socket.destroy()
      return cut
    },
  }
}

async function call<T>({ client }: Opened, name: string, options: object = {}): Promise<T> {
  const result = (await client.callTool({ name, arguments: {} }, options)) as unknown as {
    content: { text: string }[]
  }
  return JSON.parse(result.content[0]?.text ?? 'null') as T
}

describe('a stdio server of the legacy era behind the gate', () => {
  it('has the log warn of a variable that is named for it and not set', () => {
    const lines = installation
      .log()
      .split('\n')
      .filter((line) => line.includes('environment names'))
    assert.equal(lines.length, 1)
    assert.match(
      lines[0] ?? '',
      /"level":40.*stdio: environment names SERVER_KYE, not set when Portcullis started/,
    )
  })

  it('gets a process for each session, with the arguments and the variables of the configuration alone (A40)', async () => {
    const [first, second] = [await open('ada'), await open('grace')]
    const [one, two] = [await call<Who>(first, 'who'), await call<Who>(second, 'who')]
    assert.notEqual(one.pid, two.pid)
    assert.equal((await call<Who>(first, 'who')).pid, one.pid)
    assert.deepEqual(one.argv, ['--flag', '$(touch x); `id`'], 'no shell has read them')
    const seen = await call<string[]>(first, 'environment')
    assert.ok(seen.includes('PATH') && seen.includes('SERVER_KEY'))
    assert.ok(!seen.includes('CLOUD_KEY') && !seen.includes('PORTCULLIS_SECRET'))
    await Promise.all([first.client.close(), second.client.close()])
  })

  it('reports progress on the stream of its request', async () => {
    const opened = await open('ada')
    const seen: number[] = []
    await call(opened, 'progress', {
      onprogress: ({ progress }: { progress: number }) => seen.push(progress),
    })
    assert.deepEqual(seen, [1])
    await opened.client.close()
  })

  it('can ask the client, which answers it', async () => {
    const opened = await open('ada')
    assert.equal(await call(opened, 'ask'), 'asked')
    await until(() => opened.notifications.length > 0, 'the server tells what was answered')
    assert.match(JSON.stringify(opened.notifications), /answered by the client/)
    await opened.client.close()
  })

  it('may print what is no message, which is logged without secrets (A14, A40)', async () => {
    const opened = await open('ada')
    assert.equal(await call(opened, 'noise'), 'done')
    const all = ['this is no message', 'with api_key']
    await until(() => all.every((text) => installation.log().includes(text)), 'it is in the log')
    const log = installation.log()
    assert.match(log, /token \[redacted\] in the log/)
    assert.match(log, /key <\[redacted\]> came by variable/)
    assert.match(log, /postgres:\/\/user:\[redacted\]@db\/x with api_key=\\"\[redacted\]\\"/)
    assert.doesNotMatch(log, new RegExp(`hunter2|abc123|${variables.SERVER_KEY}`))
    await opened.client.close()
  })

  it('answers each of many requests at once with its own answer', async () => {
    const opened = await open('ada')
    const answers = await Promise.all(
      ['slow', 'who', 'slow', 'progress', 'who'].map((name) => call<unknown>(opened, name)),
    )
    assert.deepEqual([answers[0], answers[2], answers[3]], ['slow', 'slow', 'done'])
    await opened.client.close()
  })

  it('that dies answers 502, and its session goes on in another process (N26)', async () => {
    const opened = await open('ada')
    const { pid } = await call<Who>(opened, 'who')
    await assert.rejects(call(opened, 'die'), /cannot be reached/)
    const later = await call<Who>(opened, 'who')
    assert.notEqual(later.pid, pid)
    assert.equal(later.calls, 2, 'after initialize')
    await opened.client.close()
  })

  it('is let go by a listener that does not read, and goes on (A36)', { timeout: 30_000 }, async () => {
    const opened = await open('ada')
    const listener = await listenUnread(opened)
    assert.equal(await call(opened, 'flood'), 'done')
    assert.ok(await listener.isCut(), 'memory is not for those who do not read')
    assert.ok((await call<Who>(opened, 'who')).pid)
    await opened.client.close()
  })

  it('may be a launcher that leaves somebody behind, who is stopped', { timeout: 30_000 }, async () => {
    const opened = await open('ada')
    await assert.rejects(call(opened, 'leave'), /cannot be reached/)
    assert.ok((await call<Who>(await open('grace'), 'who')).pid, 'the gate lives')
    await opened.client.close().catch(() => {})
  })

  it('serves a caller whose clients leave without ending their sessions, as SDKs do (A36)', {
    timeout: 60_000,
  }, async () => {
    const pids: number[] = []
    for (let count = 0; count < 9; count++) {
      const opened = await open('crowd')
      pids.push((await call<Who>(opened, 'who')).pid)
      if (count < 8) await opened.client.close()
      else assert.ok((await call<Who>(opened, 'who')).pid)
    }
    assert.equal(new Set(pids).size, 9)
    assert.ok(!isRunning(pids[0] as number), 'the oldest has made room')
    for (const pid of pids.slice(1)) assert.ok(isRunning(pid))
  })

  it('ends with its session', async () => {
    const opened = await open('ada')
    const { pid } = await call<Who>(opened, 'who')
    await (opened.client.transport as StreamableHTTPClientTransport).terminateSession()
    await until(() => !isRunning(pid), 'the process has ended')
  })
})

describe('a stdio server that cannot be started', () => {
  it('is 502, with the reason in the log', async () => {
    const broken = await startInstallation({
      config: { upstreams: [{ name: 'broken', command: ['/no/such/program'] }] },
    })
    const response = await fetch(broken.mcpUrl, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await tokenFor(broken.mcpUrl, 'ada')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25' },
      }),
    })
    assert.equal(response.status, 502)
    assert.match(broken.log(), /could not be started: spawn \/no\/such\/program ENOENT/)
    await broken.close()
  })
})

describe('portcullis run -- command', () => {
  for (const [era, mode] of [
    ['legacy', 'legacy'],
    ['modern', { pin: '2026-07-28' }],
  ] as const) {
    it(`puts a stdio server behind the gate, ${era}`, { timeout: 30_000 }, async (test) => {
      const port = await freePort()
      const data = `${installation.data}/${era}`
      await startPortcullis(test, [
        'run',
        '--port',
        String(port),
        '--data',
        data,
        '--',
        ...fixture('stdio-sdk.ts'),
      ])
      const { stdout } = await portcullis([
        'token',
        '--data',
        data,
        '--port',
        String(port),
        '--scope',
        'mcp:*',
      ])
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
      const requestInit = { headers: { authorization: `Bearer ${stdout.trim()}` } }
      await client.connect(
        new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp`), { requestInit }),
      )
      assert.deepEqual(
        (await client.listTools()).tools.map(({ name }) => name),
        ['greet'],
      )
      const answers = await Promise.all(
        ['Ada', 'Grace', 'Edith'].map((name) => client.callTool({ name: 'greet', arguments: { name } })),
      )
      const texts = answers.map(({ content }) => (content as { text: string }[])[0]?.text)
      assert.deepEqual(texts, ['Hello, Ada', 'Hello, Grace', 'Hello, Edith'])
      await client.close()
    })
  }
})

describe('the environment of a stdio server (A40)', () => {
  it('is what it was named, or everything but what is ours', () => {
    const environment = { PATH: '/bin', HOME: '/root', ...variables, UNSET: undefined }
    assert.deepEqual(serverEnvironment([], environment), { PATH: '/bin', HOME: '/root' })
    assert.deepEqual(serverEnvironment(['SERVER_KEY', 'UNSET', 'ABSENT'], environment), {
      PATH: '/bin',
      HOME: '/root',
      SERVER_KEY: 'of the server',
    })
    const { PORTCULLIS_SECRET: _, ...rest } = variables
    assert.deepEqual(serverEnvironment(['*'], environment), { PATH: '/bin', HOME: '/root', ...rest })
  })

  it('has values that the log must not show: those that were named, and all that sound like secrets (A14)', () => {
    const environment = {
      PATH: '/opt/bin',
      MODE: 'offline',
      DB_PASSWORD: 'a longer secret',
      EDITOR: 'nanonano',
    }
    assert.deepEqual(secretValues(['MODE'], environment), ['a longer secret', 'offline'])
    assert.deepEqual(secretValues([], { API_KEY: 'short' }), [], 'which would stand in any line')
    const abbreviated = { DB_PASS: 'of the database', MYSQL_PWD: 'of mysql', SSH_PASSPHRASE: 'of ssh' }
    assert.deepEqual(secretValues([], abbreviated), Object.values(abbreviated))
    assert.deepEqual(secretValues([], { PWD: '/srv/server', COMPASS_URL: 'http://compass' }), [])
    const lines = { SIGNING_KEY: 'first line\r\n  the second line\n--\n' }
    assert.deepEqual(secretValues([], lines), ['the second line', 'first line'], 'for a log of lines')
  })
})

describe('messages on their way through', () => {
  it('keep numbers that JavaScript would round', () => {
    const text = '{"a":12345678901234567890,"b":1.0,"c":1e2,"d":[0.1,-0,1E400],"e":"x"}'
    assert.equal(JSON.stringify(parseLossless(text)), text)
  })
})
