import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { before, describe, it } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { pidOf, who } from '../support/ask-who.ts'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { portcullis } from '../support/command.ts'
import { post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { type HeldStream, initialize, listenTo, sessionOf, startStreamer } from '../support/held-streams.ts'
import { isRunning } from '../support/is-running.ts'
import { type ServedFile, serveFile } from '../support/served-file.ts'
import { echo } from '../support/spy-upstream.ts'
import { until } from '../support/until.ts'

const stdio = [process.execPath, join(import.meta.dirname, '../fixtures/stdio-legacy.ts')]
const list = legacyRequest('tools/list')

type Upstream = NonNullable<ConfigInput['upstreams']>[number]

describe('the configuration file of portcullis serve', { timeout: 120_000 }, () => {
  let gate: ServedFile
  let spy: Awaited<ReturnType<typeof startStreamer>>
  let http: Upstream
  let child: Upstream
  /** Connections and sessions that must live through everything. */
  let session: Record<string, string>
  let pid: number
  let token: string
  let stream: HeldStream
  const suite = closeAfterTests()
  const at = (name: string): string => `${gate.url}/${name}/mcp`

  /** Changes the file and waits for what the log says of it. */
  const change = async (settings: ConfigInput | string, message: RegExp) => {
    const from = gate.lines().length
    await gate.write(settings)
    return gate.says(message, from)
  }
  const goOn = async (): Promise<void> => {
    assert.equal(pidOf(await post(at('stdio'), token, who, { headers: session })), pid, 'the same process')
    assert.ok(!stream.ended)
    const what = `notice ${spy.seen.length} ${Math.random()}`
    spy.streams[0]?.write(
      `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"${what}"}}\n\n`,
    )
    await stream.hears(what)
  }

  before(async () => {
    spy = await startStreamer()
    suite.after(() => spy.close())
    http = { name: 'http', path: '/http/mcp', url: spy.url, transport: 'streamable-http', era: 'legacy' }
    child = { name: 'stdio', path: '/stdio/mcp', command: stdio, era: 'legacy' }
    gate = await serveFile(suite, { upstreams: [http, child] })
    token = await tokenFor(at('stdio'), 'ada')
    const opened = await post(at('stdio'), token, initialize)
    session = sessionOf(opened)
    pid = pidOf(await post(at('stdio'), token, who, { headers: session }))
    const streaming = await tokenFor(at('http'), 'ada')
    stream = await listenTo(at('http'), streaming, sessionOf(await post(at('http'), streaming, initialize)))
    await goOn()
  })

  it('lets a new server appear while sessions, processes and streams go on', async () => {
    assert.equal((await post(at('more'), token, list)).status, 404)
    const more: Upstream = { ...http, name: 'more', path: '/more/mcp' }
    const line = await change(
      { ...gate.config, upstreams: [http, child, more] },
      /new configuration is in use/,
    )
    assert.deepEqual(line.changed, ['upstreams[more]'])
    const fresh = await tokenFor(at('more'), 'ada')
    assert.equal((await post(at('more'), fresh, list)).status, 200)
    assert.equal((await post(at('more'), token, list)).status, 401, 'which is another resource')
    await goOn()
    const { stdout } = await portcullis(['token', '--data', gate.data, '--path', '/more/mcp'])
    assert.match(stdout, /^ey/, 'and commands know it')
    assert.match(await auditOf(gate), /"event":"admin.configuration".*"outcome":"allowed".*upstreams\[more\]/)
  })

  it('counts for the next request: rules and scopes of a server, while its processes go on', async () => {
    const [reading, calling] = [
      await tokenFor(at('stdio'), 'ada', 'mcp:tools:read'),
      await tokenFor(at('stdio'), 'ada'),
    ]
    assert.equal((await post(at('stdio'), reading, list, { headers: session })).status, 200)
    const secret: Upstream = { ...child, methods: { 'tools/list': ['archive:read'] } }
    const line = await change(
      { ...gate.config, scopes: { 'archive:read': 'Read the archive' }, upstreams: [http, secret] },
      /new configuration is in use/,
    )
    assert.deepEqual(line.changed, [
      'upstreams[stdio].methods.tools/list',
      'upstreams[more]',
      'scopes.archive:read',
    ])
    assert.equal((await post(at('stdio'), reading, list, { headers: session })).status, 403)
    assert.equal((await post(at('more'), calling, list)).status, 404, 'a server that is gone')
    await goOn()
  })

  it('is refused as a whole, with every problem, where it is wrong or needs a restart', async () => {
    const wrong = await change(
      { ...gate.config, upstreams: [{ name: 'x' }], mode: 'x' } as never,
      /cannot be used/,
    )
    assert.deepEqual(wrong.problems?.map(({ path }) => path).toSorted(), ['mode', 'upstreams[0]'])
    await change('upstreams: [', /cannot be used/)
    const late = await change(
      {
        ...gate.config,
        listen: { ...gate.config.listen, admin: 1 },
        data: `${gate.data}/x`,
        log: { format: 'text' },
        upstreams: [],
        limits: { perMinute: 1 },
      },
      /cannot be used/,
    )
    assert.deepEqual(late.problems?.map(({ path }) => path) ?? [], ['upstreams'])
    const restart = await change(
      {
        ...gate.config,
        upstreams: [http, child],
        listen: { ...gate.config.listen, admin: 1 },
        workers: 2,
        limits: { perMinute: 1 },
      },
      /cannot be used/,
    )
    assert.deepEqual(restart.problems, [
      { path: 'listen.admin', message: 'has changed: restart the server to use the new value' },
      { path: 'workers', message: 'has changed: restart the server to use the new value' },
    ])
    assert.match(await auditOf(gate), /"event":"admin.configuration".*"outcome":"denied"/)
    for (let n = 0; n < 3; n++) await goOn()
  })

  it('is read again on SIGHUP, which says what came of it', async () => {
    await change({ ...gate.config, upstreams: [http, child] }, /new configuration is in use/)
    const from = gate.lines().length
    gate.started.process.kill('SIGHUP')
    await gate.says(/the configuration has not changed/, from)
    assert.equal(
      gate
        .lines()
        .slice(from)
        .filter(({ problems }) => problems).length,
      0,
    )
    await goOn()
  })

  it('counts for the log, of all that it tells', async () => {
    await gate.write({ ...gate.config, upstreams: [http, child], log: { level: 'warn' } })
    await until(async () => (await auditOf(gate)).includes('changed: log.level'), 'the audit tells of it')
    await goOn()
    const from = gate.lines().length
    await goOn()
    const line = await change({ ...gate.config, upstreams: [http, child] }, /new configuration is in use/)
    assert.deepEqual(gate.lines()[from], line, 'nothing was told before')
    await goOn()
    await until(() => gate.lines().length > from + 1, 'requests are told again')
  })

  it('ends what belongs to a server that is changed or gone, in order', async () => {
    let answer = (): unknown => undefined
    spy.answerWith((request, res) => {
      answer = () => echo(request, res)
    })
    const earlier = spy.seen.length
    const running = post(at('http'), await tokenFor(at('http'), 'eve'), list)
    await until(() => spy.seen.length > earlier, 'the request has arrived')
    await change(
      { ...gate.config, upstreams: [{ ...child, idleSeconds: 700 }] },
      /new configuration is in use/,
    )
    await stream.ends()
    answer()
    assert.equal((await running).status, 200, 'what ran has finished')
    const later = await post(at('stdio'), token, who, { headers: session })
    assert.notEqual(pidOf(later), pid, 'the session goes on in a process of the new setting')
    await until(() => !isRunning(pid), 'its process has ended')
  })

  it('is followed through the links of a ConfigMap', async () => {
    const served = await serveLinked()
    const from = served.lines().length
    await served.turn({ ...served.config, limits: { batch: 7 } })
    assert.deepEqual((await served.says(/new configuration is in use/, from)).changed, ['limits.batch'])
    served.started.process.kill('SIGTERM')
    assert.equal(await served.started.exit, 0)
  })

  async function serveLinked() {
    const served = await serveFile(suite, { upstreams: [http] }, [], async (file, text) => {
      await placeLinks(file, text, 'first')
    })
    return {
      ...served,
      turn: (config: ConfigInput) => placeLinks(served.file, JSON.stringify(config), 'second'),
    }
  }
})

/** As the kubelet does: the file is a link into `..data`, which is a link to a folder, and is turned in one step. */
async function placeLinks(file: string, text: string, version: string): Promise<void> {
  const folder = dirname(file)
  await mkdir(join(folder, version))
  await writeFile(join(folder, version, basename(file)), text)
  await symlink(version, join(folder, '..new'))
  await rename(join(folder, '..new'), join(folder, '..data'))
  await symlink(join('..data', basename(file)), file).catch(() => undefined)
}

async function auditOf({ data }: ServedFile): Promise<string> {
  const folder = join(data, 'audit')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'))
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('')
}
