import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { pidOf, who } from '../support/ask-who.ts'
import { childrenOf } from '../support/children-of.ts'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import {
  type HeldStream,
  initialize,
  openStream,
  type Streamer,
  sessionOf,
  startStreamer,
} from '../support/held-streams.ts'
import { type ServedFile, serveFile } from '../support/served-file.ts'
import { startTokenIssuer } from '../support/token-issuer.ts'
import { until } from '../support/until.ts'

const stdio = [process.execPath, join(import.meta.dirname, '../fixtures/stdio-legacy.ts')]
const list = legacyRequest('tools/list')
const inUse = /new configuration is in use/
/** Makes each request come on a connection of its own, so that the next worker gets it. */
const own = { connection: 'close' }
/** Enough for each of two workers to be asked, whoever is asked first. */
const rounds = 6

type Upstream = NonNullable<ConfigInput['upstreams']>[number]

const ask = (url: string, token: string, body: object = list, headers: object = {}) =>
  post(url, token, body, { headers: { ...own, ...headers } })

/** What all workers answer. */
async function statusesOf(url: string, token: string, headers: object = {}): Promise<number[]> {
  const statuses = new Set<number>()
  for (let n = 0; n < rounds; n++) statuses.add((await ask(url, token, list, headers)).status)
  return [...statuses]
}

async function readiness({ adminUrl }: ServedFile): Promise<{ status: number; reason: string | undefined }> {
  const answer = await fetch(`${adminUrl}/readyz`)
  return { status: answer.status, reason: ((await answer.json()) as { reason?: string }).reason }
}

describe('the configuration file of two workers', { timeout: 200_000 }, () => {
  let gate: ServedFile
  let spy: Streamer
  let http: Upstream
  let child: Upstream
  let more: Upstream
  let token: string
  let stream: HeldStream
  let session: { 'mcp-session-id': string }
  let pid: number
  const suite = closeAfterTests()
  const at = (name: string): string => `${gate.url}/${name}/mcp`
  const change = async (settings: ConfigInput, message = inUse) => {
    const from = gate.lines().length
    await gate.write({ ...gate.config, ...settings })
    return gate.says(message, from)
  }
  const goOn = async (): Promise<void> => {
    for (let n = 0; n < rounds; n++)
      assert.equal(pidOf(await ask(at('stdio'), token, who, session)), pid, 'the same process')
    const what = `notice ${Math.random()}`
    const params = { level: 'info', data: what }
    const notice = { jsonrpc: '2.0', method: 'notifications/message', params }
    spy.streams[0]?.write(`data: ${JSON.stringify(notice)}\n\n`)
    await stream.hears(what)
  }
  before(async () => {
    spy = await startStreamer()
    suite.after(() => spy.close())
    http = { name: 'http', path: '/http/mcp', url: spy.url, transport: 'streamable-http', era: 'legacy' }
    more = { ...http, name: 'more', path: '/more/mcp' }
    child = { name: 'stdio', path: '/stdio/mcp', command: stdio, era: 'legacy', processesPerCaller: 2 }
    gate = await serveFile(suite, { upstreams: [http, child] }, ['--workers', '2'])
    stream = await openStream(at('http'), await tokenFor(at('http'), 'ada'))
    token = await tokenFor(at('stdio'), 'ada')
    session = sessionOf(await ask(at('stdio'), token, initialize))
    pid = pidOf(await ask(at('stdio'), token, who, session))
  })

  it('counts for all of them, while requests are answered and sessions, processes and streams go on (A72)', async () => {
    const there = await tokenFor(at('http'), 'eve')
    const answers: number[] = []
    const load = new AbortController()
    const asking = (async () => {
      while (!load.signal.aborted) answers.push((await ask(at('http'), there)).status)
    })()
    await change({ upstreams: [http, child, more] })
    load.abort()
    await asking
    assert.deepEqual([...new Set(answers)], [200], 'no request was refused or lost')
    assert.deepEqual(await statusesOf(at('more'), await tokenFor(at('more'), 'eve')), [200])
    await goOn()
  })

  it('counts for those that start later, by themselves or on SIGUSR2', async () => {
    const fresh = await tokenFor(at('more'), 'eve')
    const earlier = await childrenOf(gate.started.process.pid)
    const from = gate.lines().length
    gate.started.process.kill('SIGUSR2')
    await until(
      () =>
        gate
          .lines()
          .slice(from)
          .filter(({ msg }) => /was replaced/.test(msg ?? '')).length === 2,
      'both are replaced',
    )
    assert.ok((await childrenOf(gate.started.process.pid)).every((one) => !earlier.includes(one)))
    assert.deepEqual(await statusesOf(at('more'), fresh), [200])
  })

  it('finds each worker, for a place has one: also when a worker dies while its successor starts', async () => {
    const earlier = await childrenOf(gate.started.process.pid)
    const from = gate.lines().length
    gate.started.process.kill('SIGUSR2')
    await until(async () => (await childrenOf(gate.started.process.pid)).length > 2, 'a successor starts')
    process.kill(earlier[0] as number, 'SIGKILL')
    await gate.says(/worker 1 was replaced/, from)
    await until(async () => (await childrenOf(gate.started.process.pid)).length === 2, 'two workers are left')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    assert.equal((await childrenOf(gate.started.process.pid)).length, 2)
    assert.deepEqual(await statusesOf(at('http'), await tokenFor(at('http'), 'eve')), [200])
  })

  it('leaves no worker with the old one: who cannot change over gives way', async () => {
    const issuer = await startTokenIssuer(() => 'api')
    suite.after(() => issuer.close())
    const gone = await tokenFor(at('more'), 'eve')
    // The worker that tries first is told the truth; nobody else is.
    let asked = 0
    const metadata = { jwks_uri: `${issuer.issuer}/keys` }
    Object.defineProperty(issuer, 'metadata', {
      get: () => (asked++ === 0 ? metadata : { ...metadata, issuer: 'http://127.0.0.1:9' }),
    })
    const [earlier, from] = [await childrenOf(gate.started.process.pid), gate.lines().length]
    const issuers = [{ issuer: issuer.issuer, audiences: ['api'], tokenTypes: ['JWT'] }]
    await change({ upstreams: [http], issuers })
    await gate.says(/cannot go on with the new configuration/, from)
    await until(
      async () => (await statusesOf(at('more'), gone)).join() === '404',
      'nobody serves what is gone',
    )
    await gate.says(/cannot start, which is tried again/, from)
    assert.deepEqual(await readiness(gate), { status: 200, reason: undefined }, 'the other one serves')

    Object.defineProperty(issuer, 'metadata', { get: () => metadata })
    const serving = async () =>
      (await (await fetch(`${gate.adminUrl}/metrics`)).text()).includes('portcullis_workers 2')
    await until(serving, 'two workers serve again')
    await until(
      async () =>
        (await childrenOf(gate.started.process.pid)).filter((one) => earlier.includes(one)).length === 1,
      'the one that was refused has ended, and the other one goes on',
    )
    const signed = await issuer.token({ scope: 'mcp:*' })
    assert.deepEqual(await statusesOf(at('http'), signed), [200])
  })

  it('is refused as a whole where the worker that tries it cannot use it', async () => {
    const issuer = await startTokenIssuer(() => 'api')
    suite.after(() => issuer.close())
    issuer.metadata = { issuer: 'http://127.0.0.1:9' }
    const earlier = await childrenOf(gate.started.process.pid)
    const there = await tokenFor(at('http'), 'eve')
    await change(
      { upstreams: [more], issuers: [{ issuer: issuer.issuer, audiences: ['api'] }] },
      /configuration in use stays/,
    )
    assert.deepEqual(await statusesOf(at('http'), there), [200])
    assert.deepEqual(await statusesOf(at('more'), there), [404])
    assert.deepEqual(await childrenOf(gate.started.process.pid), earlier)
  })

  it('makes /readyz say 503 while no worker serves', async () => {
    for (const one of await childrenOf(gate.started.process.pid)) process.kill(one, 'SIGKILL')
    await until(
      async () => (await readiness(gate)).reason === 'no worker serves',
      '/readyz says that no worker serves',
    )
    assert.equal((await fetch(`${gate.adminUrl}/healthz`)).status, 200)
    await until(async () => (await readiness(gate)).status === 200, '/readyz says 200 again')
  })
})
