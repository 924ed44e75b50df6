import type { ConfigInput } from '../../src/config/schema.ts'
import { type ServedFile, serveFile } from './served-file.ts'

/** What `portcullis serve --workers` runs. */
export interface WorkerInstallation extends ServedFile {
  readonly mcpUrl: string
  /** Which worker answered the request with this id, by a line of this kind. */
  workerOf(requestId: string | null, kind: string): Promise<number>
  /** Waits until a line contains this. */
  until(message: RegExp, times?: number): Promise<void>
}

/** Starts it; it ends with the test at the latest. */
export async function startWorkers(
  test: Parameters<typeof serveFile>[0],
  count: number,
  config: ConfigInput = {},
): Promise<WorkerInstallation> {
  const upstreams = [{ name: 'test', url: 'http://127.0.0.1:9/mcp', breaker: { failures: 0 } }]
  const served = await serveFile(test, { upstreams, ...config }, ['--workers', String(count)])
  const { lines, eventually } = served
  return {
    ...served,
    mcpUrl: `${served.url}/mcp`,
    workerOf: (requestId, kind) =>
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
