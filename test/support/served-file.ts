import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { Closing } from './close-after-tests.ts'
import { type Started, startPortcullis } from './command.ts'
import { freePort, testClients } from './installation.ts'
import { until } from './until.ts'

/** A line of the log, as far as tests use it. */
interface LogLine {
  readonly worker?: number
  readonly requestId?: string
  readonly kind?: string
  readonly upstream?: string
  readonly msg?: string
  readonly problems?: readonly { readonly path: string; readonly message: string }[]
  readonly changed?: readonly string[]
}

/** A `portcullis serve` whose configuration file can be changed. */
export interface ServedFile {
  readonly url: string
  readonly adminUrl: string
  readonly data: string
  readonly file: string
  readonly started: Started
  /** The initial configuration in the file. */
  readonly config: ConfigInput
  readonly lines: () => LogLine[]
  /** Writes another text, or other settings, and renames the file into place, as editors do. */
  write(content: ConfigInput | string): Promise<void>
  /**
   * The result of `look` as soon as there is one. Throws with the output if there never is; `what` describes
   * it.
   */
  readonly eventually: <T>(look: () => T | undefined, what: string) => Promise<T>
  /** The first line after `from` with this message. */
  says(message: RegExp, from?: number): Promise<LogLine>
}

/** Starts it; it ends with the test at the latest. */
export async function serveFile(
  test: Closing,
  settings: ConfigInput,
  args: readonly string[] = [],
  place: (file: string, text: string) => Promise<void> = (file, text) => writeFile(file, text),
): Promise<ServedFile> {
  const data = await mkdtemp(join(tmpdir(), 'portcullis-served-'))
  test.after(() => rm(data, { recursive: true, force: true, maxRetries: 5 }))
  const [gateway, admin] = [settings.listen?.gateway ?? (await freePort()), await freePort()]
  const file = join(data, 'portcullis.yaml')
  const config: ConfigInput = {
    data,
    clients: testClients,
    ...settings,
    listen: { gateway, admin, authorizationServer: 0, ...settings.listen },
  }
  await place(file, JSON.stringify(config))
  const started = await startPortcullis(test, ['serve', '-c', file, ...args], {}, '"msg":"ready"')
  const lines = (): LogLine[] =>
    started
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine)
  const eventually = async <T>(look: () => T | undefined, what: string): Promise<T> => {
    let found: T | undefined
    const looks = (): boolean => {
      found = look()
      return found !== undefined
    }
    await until(looks, what).catch((cause: unknown) => {
      throw new Error(started.output(), { cause })
    })
    return found as T
  }
  return {
    url: `http://127.0.0.1:${gateway}`,
    adminUrl: `http://127.0.0.1:${admin}`,
    data,
    file,
    started,
    config,
    lines,
    async write(content) {
      const text = typeof content === 'string' ? content : JSON.stringify(content)
      await writeFile(`${file}.new`, text)
      await rename(`${file}.new`, file)
    },
    eventually,
    says: (message, from = 0) =>
      eventually(
        () =>
          lines()
            .slice(from)
            .find(({ msg }) => message.test(msg ?? '')),
        `nothing said ${message.source}`,
      ),
  }
}
