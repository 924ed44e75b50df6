import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Started, startPortcullis } from './command.ts'
import { freePort, testClients } from './installation.ts'

/** A line of the log, as far as tests look at it. */
interface LogLine {
  readonly worker?: number
  readonly requestId?: string
  readonly kind?: string
  readonly upstream?: string
  readonly msg?: string
}

/** What `portcullis serve --workers` runs. */
export interface WorkerInstallation {
  readonly url: string
  readonly mcpUrl: string
  readonly adminUrl: string
  readonly file: string
  readonly started: Started
  readonly lines: () => LogLine[]
  /** Which worker answered the request with this id, for the kind of line that is meant. */
  workerOf(requestId: string | null, kind: string): Promise<number>
  /** Waits until a line says this. */
  until(message: RegExp, times?: number): Promise<void>
}

/** What `before` and a test have in common. */
interface EndsWithTest {
  after(close: () => unknown): void
}

/** Starts it; it ends with the test at the latest. */
export async function startWorkers(
  test: EndsWithTest,
  count: number,
  config: ConfigInput = {},
): Promise<WorkerInstallation> {
  const data = await mkdtemp(join(tmpdir(), 'portcullis-workers-'))
  test.after(() => rm(data, { recursive: true, force: true, maxRetries: 5 }))
  const [gateway, admin] = [config.listen?.gateway ?? (await freePort()), await freePort()]
  const file = join(data, 'portcullis.yaml')
  const settings: ConfigInput = {
    data,
    clients: testClients,
    upstreams: [{ name: 'test', url: 'http://127.0.0.1:9/mcp', breaker: { failures: 0 } }],
    ...config,
    listen: { gateway, admin, authorizationServer: 0, ...config.listen },
  }
  await writeFile(file, JSON.stringify(settings))
  const started = await startPortcullis(
    test,
    ['serve', '-c', file, '--workers', String(count)],
    {},
    '"msg":"ready"',
  )
  const url = `http://127.0.0.1:${gateway}`
  const lines = (): LogLine[] =>
    started
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine)
  const eventually = async <T>(look: () => T | undefined, what: string): Promise<T> => {
    for (let attempt = 0; attempt < 400; attempt++) {
      const found = look()
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`${what}: ${started.output()}`)
  }
  return {
    url,
    mcpUrl: `${url}/mcp`,
    adminUrl: `http://127.0.0.1:${admin}`,
    file,
    started,
    lines,
    workerOf: async (requestId, kind) =>
      eventually(
        () => lines().find((line) => line.requestId === requestId && line.kind === kind)?.worker,
        `no line of kind ${kind} for ${requestId}`,
      ),
    until: async (message, times = 1) =>
      void (await eventually(
        () => (lines().filter(({ msg }) => message.test(msg ?? '')).length >= times ? true : undefined),
        `nothing said ${message.source}`,
      )),
  }
}
