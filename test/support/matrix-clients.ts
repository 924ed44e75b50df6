import { spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  Client,
  StreamableHTTPClientTransport,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client'
import { clientModules } from './tools.ts'
import { until } from './until.ts'

/** What one client can try with one server. Each step rejects if it does not work. */
export type Steps = Readonly<Record<string, () => Promise<void>>>

/** A kind of client. `open` returns its steps for a server, given a token for it. */
export interface MatrixClient {
  readonly name: string
  /** The era that it uses with a gateway, which supports both. */
  readonly era: 'legacy' | 'modern'
  open(url: string, token: string): Promise<{ steps: Steps; close: () => Promise<void> }>
}

interface SdkClient {
  connect(transport: never): Promise<void>
  listTools(): Promise<{ tools: { name: string }[] }>
  callTool(call: object, ...options: object[]): Promise<{ content?: unknown }>
  readResource(request: { uri: string }): Promise<object>
  getPrompt(request: object): Promise<object>
  close(): Promise<void>
}

interface SdkParts {
  readonly makeClient: (onToolsChanged: () => void) => SdkClient
  readonly makeTransport: (url: URL, options: object) => object
  /** Where the options of `callTool` belong. */
  readonly callOptions: (options: object) => object[]
}

/** SDK v1, which only knows the legacy era. */
export async function sdkV1(): Promise<MatrixClient> {
  const folder = join(await clientModules(), '@modelcontextprotocol/sdk/dist/esm')
  const load = async (file: string): Promise<Record<string, new (...parts: object[]) => object>> =>
    (await import(pathToFileURL(join(folder, file)).href)) as never
  const { Client: ClientV1 } = await load('client/index.js')
  const { StreamableHTTPClientTransport: TransportV1 } = await load('client/streamableHttp.js')
  const { CallToolResultSchema } = (await load('types.js')) as unknown as { CallToolResultSchema: object }
  return sdkClient('SDK v1', 'legacy', {
    makeClient: (onToolsChanged) =>
      new ClientV1!({ name: 'v1', version: '1' }, hearing(onToolsChanged)) as SdkClient,
    makeTransport: (url, options) => new TransportV1!(url, options),
    callOptions: (options) => [CallToolResultSchema, options],
  })
}

/** SDK v2 in one of its ways to detect the era. */
export function sdkV2(mode: VersionNegotiationMode): MatrixClient {
  const era = mode === 'legacy' ? 'legacy' : 'modern'
  return sdkClient(`SDK v2, ${typeof mode === 'string' ? mode : mode.pin}`, era, {
    makeClient: (onToolsChanged) =>
      new Client({ name: 'v2', version: '1' }, { versionNegotiation: { mode }, ...hearing(onToolsChanged) }),
    makeTransport: (url, options) => new StreamableHTTPClientTransport(url, options),
    callOptions: (options) => [options],
  })
}

function hearing(onToolsChanged: () => void): object {
  return { listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: onToolsChanged } } }
}

function sdkClient(
  name: string,
  era: MatrixClient['era'],
  { makeClient, makeTransport, callOptions }: SdkParts,
): MatrixClient {
  return {
    name,
    era,
    async open(url, token) {
      let changes = 0
      const client = makeClient(() => void changes++)
      const call = (tool: string, args = {}, options = {}): Promise<{ content?: unknown }> =>
        client.callTool({ name: tool, arguments: args }, ...callOptions(options))
      const textOf = async (tool: string, args = {}, options = {}): Promise<string> =>
        ((await call(tool, args, options)).content as { text: string }[])[0]?.text ?? ''
      const requestInit = { headers: { authorization: `Bearer ${token}` } }
      const steps: Steps = {
        connect: () => client.connect(makeTransport(new URL(url), { requestInit }) as never),
        async list() {
          const names = (await client.listTools()).tools.map((tool) => tool.name)
          expect(names.includes('add'), `the tools are ${names.join()}`)
        },
        call: async () => expect((await textOf('add', { a: 2, b: 3 })) === '5', 'the sum is wrong'),
        read: async () =>
          expect(
            JSON.stringify(await client.readResource({ uri: 'test:///note' })).includes('a note'),
            'no note',
          ),
        async prompt() {
          const prompt = await client.getPrompt({ name: 'greet', arguments: { name: 'Ada' } })
          expect(JSON.stringify(prompt).includes('Hello, Ada'), 'no greeting')
        },
        async progress() {
          const seen: number[] = []
          const onprogress = ({ progress }: { progress: number }): unknown => seen.push(progress)
          await call('count', {}, { onprogress })
          expect(seen.join() === '1,2,3', `the progress was ${seen.join()}`)
        },
        async cancel() {
          const before = Number(await textOf('cancelled'))
          const abort = new AbortController()
          let begun = false
          const onprogress = (): unknown => (begun = true)
          const waiting = call('wait', {}, { signal: abort.signal, onprogress }).then(
            () => 'answered',
            () => 'rejected',
          )
          await until(() => begun, 'the server has begun')
          abort.abort('enough')
          expect((await waiting) === 'rejected', 'the call was answered')
          await until(async () => Number(await textOf('cancelled')) > before, 'the server is told')
        },
        async 'list-changed'() {
          // Its stream is opened concurrently with the other requests.
          await until(async () => {
            await call('change')
            return changes > 0
          }, 'the client is told')
        },
      }
      return { steps, close: () => client.close() }
    },
  }
}

/** The command line of the Inspector, which runs a program for each step. */
export async function inspectorCli(era: 'legacy' | 'auto' | 'modern'): Promise<MatrixClient> {
  const launcher = join(
    await clientModules(),
    '@modelcontextprotocol/inspector/clients/launcher/build/index.js',
  )
  return {
    name: `Inspector CLI, ${era}`,
    era: era === 'legacy' ? 'legacy' : 'modern',
    async open(url, token) {
      const home = await mkdtemp(join(tmpdir(), 'inspector-home-'))
      const run = async (expected: string, ...args: string[]): Promise<void> => {
        const header = ['--header', `Authorization: Bearer ${token}`]
        const output = await inspect(
          [launcher, '--cli', url, '--protocol-era', era, ...header, ...args],
          home,
        )
        expect(output.includes(expected), output.slice(0, 500))
      }
      const steps: Steps = {
        list: () => run('"add"', '--method', 'tools/list'),
        call: () =>
          run(
            '"5"',
            '--method',
            'tools/call',
            '--tool-name',
            'add',
            '--tool-arg',
            'a=2',
            '--tool-arg',
            'b=3',
          ),
        read: () => run('a note', '--method', 'resources/read', '--uri', 'test:///note'),
        prompt: () =>
          run('Hello, Ada', '--method', 'prompts/get', '--prompt-name', 'greet', '--prompt-args', 'name=Ada'),
      }
      return { steps, close: async () => {} }
    },
  }
}

function inspect(args: readonly string[], home: string): Promise<string> {
  const program = spawn(process.execPath, [...args, '--format', 'json', '-q'], {
    env: { ...process.env, HOME: home, MCP_INSPECTOR_SECRET_STORE: 'file' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [program.stdout, program.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  }
  return new Promise((resolve) => program.on('close', () => resolve(output)))
}

function expect(holds: boolean, problem: string): void {
  if (!holds) throw new Error(problem)
}
