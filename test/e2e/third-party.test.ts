import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { tokenFor } from '../support/era-calls.ts'
import { freePort, type Installation, startInstallation } from '../support/installation.ts'
import { clientModules } from '../support/tools.ts'

let gate: Installation
let folder: string
const servers: ChildProcess[] = []
before(async () => {
  const modules = await clientModules()
  folder = await realpath(await mkdtemp(join(tmpdir(), 'third-party-')))
  await writeFile(join(folder, 'note.txt'), 'a note on the disk')
  const program = (name: string): string =>
    join(modules, `@modelcontextprotocol/server-${name}/dist/index.js`)
  /** The everything server over HTTP. Gives its port once it listens. */
  const listen = async (transport: string): Promise<number> => {
    const port = await freePort()
    const env = { ...process.env, PORT: String(port) }
    const server = spawn(process.execPath, [program('everything'), transport], { env })
    servers.push(server)
    await Promise.race([once(server.stderr, 'data'), once(server, 'exit')])
    for (let attempt = 0; attempt < 100; attempt++) {
      if (
        await fetch(`http://127.0.0.1:${port}/`).then(
          () => true,
          () => false,
        )
      )
        break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return port
  }
  const [ssePort, httpPort] = await Promise.all([listen('sse'), listen('streamableHttp')])
  const upstreams = [
    { name: 'everything-sse', url: `http://127.0.0.1:${ssePort}/sse` },
    { name: 'everything-http', url: `http://127.0.0.1:${httpPort}/mcp` },
    { name: 'everything', command: [process.execPath, program('everything')] },
    { name: 'filesystem', command: [process.execPath, program('filesystem'), folder] },
    { name: 'memory', command: [process.execPath, program('memory')], environment: ['MEMORY_FILE_PATH'] },
  ].map((upstream) => ({ ...upstream, path: `/${upstream.name}/mcp` }))
  process.env['MEMORY_FILE_PATH'] = join(folder, 'memory.jsonl')
  gate = await startInstallation({ config: { upstreams } })
  delete process.env['MEMORY_FILE_PATH']
})
after(async () => {
  await gate.close()
  for (const server of servers) server.kill()
  await rm(folder, { recursive: true })
})

interface ServerCall {
  readonly name: string
  readonly arguments: object
  readonly expected: RegExp
}

const echo = (): ServerCall => ({ name: 'echo', arguments: { message: 'hello' }, expected: /hello/ })

const calls: Readonly<Record<string, () => ServerCall>> = {
  everything: echo,
  'everything-http': echo,
  'everything-sse': echo,
  filesystem: () => ({
    name: 'read_text_file',
    arguments: { path: join(folder, 'note.txt') },
    expected: /a note on the disk/,
  }),
  memory: () => ({
    name: 'create_entities',
    arguments: { entities: [{ name: 'Ada', entityType: 'person', observations: ['writes programs'] }] },
    expected: /writes programs|\[\]/,
  }),
}

describe('servers of others behind the gate', () => {
  for (const [server, makeCall] of Object.entries(calls)) {
    for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
      it(`${server}, called by a ${typeof mode === 'string' ? mode : 'modern'} client`, {
        timeout: 60_000,
      }, async () => {
        const url = `${gate.url}/${server}/mcp`
        const requestInit = { headers: { authorization: `Bearer ${await tokenFor(url, 'ada')}` } }
        const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
        await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }))
        const { expected, ...call } = makeCall()
        const { tools } = await client.listTools()
        assert.ok(
          tools.some(({ name }) => name === call.name),
          tools.map(({ name }) => name).join(),
        )
        assert.match(JSON.stringify(await client.callTool(call as never)), expected)
        await client.close()
      })
    }
  }
})
