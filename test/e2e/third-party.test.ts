import assert from 'node:assert/strict'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { tokenFor } from '../support/era-calls.ts'
import { freePort, type Installation, startInstallation } from '../support/installation.ts'
import { type ServingProgram, startProgram } from '../support/program.ts'
import { clientModules } from '../support/tools.ts'

let gate: Installation
let folder: string
const servers: ServingProgram[] = []
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
    const attempt = (): Promise<Response> => fetch(`http://127.0.0.1:${port}/`)
    const how = { name: 'the everything server', attempt, env }
    servers.push(await startProgram([process.execPath, program('everything'), transport], how))
    return port
  }
  const [ssePort, httpPort] = await Promise.all([listen('sse'), listen('streamableHttp')])
  const upstreams = [
    { name: 'everything-sse', url: `http://127.0.0.1:${ssePort}/sse` },
    { name: 'everything-http', url: `http://127.0.0.1:${httpPort}/mcp` },
    { name: 'everything', command: [process.execPath, program('everything')] },
    {
      name: 'quiet',
      command: [process.execPath, program('everything')],
      mayAsk: { sampling: false, elicitation: false },
    },
    { name: 'filesystem', command: [process.execPath, program('filesystem'), folder] },
    { name: 'memory', command: [process.execPath, program('memory')], environment: ['MEMORY_FILE_PATH'] },
  ].map((upstream) => ({ ...upstream, path: `/${upstream.name}/mcp` }))
  process.env['MEMORY_FILE_PATH'] = join(folder, 'memory.jsonl')
  gate = await startInstallation({ config: { upstreams } })
  delete process.env['MEMORY_FILE_PATH']
})
after(async () => {
  await gate.close()
  for (const server of servers) await server.stop()
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

type Asked = (
  method: string,
  answer: (request: { params: Record<string, unknown> }) => Promise<unknown>,
) => void

/** A client that can be asked for everything, connected to one of the servers. */
async function connect(server: string, mode: 'legacy' | { pin: '2026-07-28' }): Promise<Client> {
  const url = `${gate.url}/${server}/mcp`
  const requestInit = { headers: { authorization: `Bearer ${await tokenFor(url, 'bob')}` } }
  const capabilities = { sampling: {}, elicitation: { form: {} }, roots: {} }
  const client = new Client({ name: 'test', version: '1' }, { capabilities, versionNegotiation: { mode } })
  const answer = client.setRequestHandler.bind(client) as unknown as Asked
  answer('sampling/createMessage', async ({ params }) => ({
    role: 'assistant',
    model: 'a model',
    content: { type: 'text', text: `heard ${JSON.stringify(params['messages']).length > 2}` },
  }))
  answer('elicitation/create', async () => ({ action: 'accept', content: { name: 'Ada Lovelace' } }))
  answer('roots/list', async () => ({ roots: [{ uri: `file://${folder}`, name: 'home' }] }))
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }))
  return client
}

const textOf = async (client: Client, name: string, args = {}, options = {}): Promise<string> =>
  JSON.stringify(await client.callTool({ name, arguments: args }, options))

describe('all that servers of others can do', () => {
  for (const server of ['everything', 'everything-http', 'everything-sse']) {
    for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
      it(`${server}: resources, prompts, completion, progress, for a ${typeof mode === 'string' ? mode : 'modern'} client`, {
        timeout: 60_000,
      }, async () => {
        const client = await connect(server, mode)
        const { resources } = await client.listResources()
        const [first] = resources
        assert.ok(first !== undefined)
        const { contents } = await client.readResource({ uri: first.uri })
        assert.equal(contents[0]?.uri, first.uri)
        assert.ok((await client.listResourceTemplates()).resourceTemplates.length > 0)
        const prompt = await client.getPrompt({ name: 'simple-prompt' })
        assert.match(JSON.stringify(prompt.messages), /simple prompt without arguments/)
        const ref = { type: 'ref/prompt', name: 'completable-prompt' } as const
        const { completion } = await client.complete({ ref, argument: { name: 'department', value: 'S' } })
        assert.deepEqual(completion.values, ['Sales', 'Support'])
        const seen: number[] = []
        const onprogress = ({ progress }: { progress: number }): unknown => seen.push(progress)
        const done = await textOf(
          client,
          'trigger-long-running-operation',
          { duration: 0.3, steps: 3 },
          { onprogress },
        )
        assert.match(done, /completed/)
        assert.deepEqual(seen, [1, 2, 3])
        await client.close()
      })
    }

    it(`${server}: asks a legacy client for its model, its user and its folders`, {
      timeout: 60_000,
    }, async () => {
      const client = await connect(server, 'legacy')
      assert.match(await textOf(client, 'trigger-sampling-request', { prompt: 'hello' }), /heard true/)
      assert.match(await textOf(client, 'trigger-elicitation-request'), /Ada Lovelace/)
      assert.match(await textOf(client, 'get-roots-list'), /home/)
      await client.close()
    })
  }

  it('a server that may not ask does without: it offers no tool for it', { timeout: 60_000 }, async () => {
    const client = await connect('quiet', 'legacy')
    const names = (await client.listTools()).tools.map(({ name }) => name)
    assert.ok(names.includes('get-roots-list'), names.join())
    assert.ok(!names.includes('trigger-sampling-request'), names.join())
    assert.ok(!names.includes('trigger-elicitation-request'), names.join())
    await client.close()
  })

  for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
    const era = typeof mode === 'string' ? mode : 'modern'
    it(`filesystem: writes, lists, and keeps to its folder, for a ${era} client`, {
      timeout: 60_000,
    }, async () => {
      const client = await connect('filesystem', mode)
      const path = join(folder, `${era}.txt`)
      assert.match(await textOf(client, 'write_file', { path, content: 'written' }), /Successfully/)
      assert.match(await textOf(client, 'list_directory', { path: folder }), new RegExp(`${era}\\.txt`))
      assert.match(await textOf(client, 'read_text_file', { path: '/etc/hostname' }), /"isError":true/)
      await client.close()
    })

    it(`memory: remembers, finds and forgets, for a ${era} client`, { timeout: 60_000 }, async () => {
      const client = await connect('memory', mode)
      const name = `Grace of the ${era} era`
      const entities = [{ name, entityType: 'person', observations: ['found a moth'] }]
      await client.callTool({ name: 'create_entities', arguments: { entities } })
      assert.match(await textOf(client, 'search_nodes', { query: name }), /found a moth/)
      await client.callTool({ name: 'delete_entities', arguments: { entityNames: [name] } })
      assert.doesNotMatch(await textOf(client, 'read_graph'), /found a moth/)
      await client.close()
    })
  }
})
