import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Started, startPortcullis } from './command.ts'
import { freePort, testClients } from './installation.ts'

/** One of several processes that share a store, a secret and a public URL. */
export interface Replica {
  /** The URL of only this process. */
  readonly url: string
}

/** Several processes of one installation. */
export interface Replicas {
  readonly publicUrl: string
  /** The configuration file of all. */
  readonly file: string
  readonly all: readonly Replica[]
  /** Ends one with `kill -9` and restarts it. */
  killAndRestart(index: number): Promise<void>
}

/** Starts processes that share everything but their ports; they end with the test at the latest. */
export async function startReplicas(
  test: TestContext,
  count: number,
  config: ConfigInput = {},
): Promise<Replicas> {
  const data = await mkdtemp(join(tmpdir(), 'portcullis-replicas-'))
  const ports: number[] = []
  for (let index = 0; index < count; index++) ports.push(await freePort())
  const publicUrl = `http://127.0.0.1:${ports[0]}`
  const file = join(data, 'portcullis.yaml')
  const settings: ConfigInput = {
    data,
    publicUrl,
    allowedHosts: ports.map((port) => `127.0.0.1:${port}`),
    clients: testClients,
    upstreams: [{ name: 'test', url: 'http://127.0.0.1:9/mcp' }],
    log: { format: 'text' },
    ...config,
    listen: { authorizationServer: 0, admin: 0 },
  }
  await writeFile(file, JSON.stringify(settings))
  const begin = (port: number): Promise<Started> =>
    startPortcullis(test, ['serve', '-c', file, '--port', String(port)])
  const all: { url: string; started: Started }[] = []
  for (const port of ports) all.push({ url: `http://127.0.0.1:${port}`, started: await begin(port) })
  test.after(async () => {
    for (const { started } of all) {
      started.process.kill('SIGKILL')
      await started.exit
    }
    await rm(data, { recursive: true, force: true })
  })
  return {
    publicUrl,
    file,
    all,
    async killAndRestart(index) {
      const replica = all[index]
      if (replica === undefined) throw new Error(`there is no replica ${index}`)
      replica.started.process.kill('SIGKILL')
      await replica.started.exit
      replica.started = await begin(ports[index] as number)
    },
  }
}
