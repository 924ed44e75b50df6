import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { buildPeople } from '../../src/compose/people.ts'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { sweepStore } from '../../src/compose/sweep.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { People } from '../../src/identity/people.ts'
import { clientSecret } from '../support/confidential.ts'
import { openDashboard } from '../support/dashboard-visitor.ts'
import { freePort, type Installation, sharedSecret, startInstallation } from '../support/installation.ts'
import { until } from '../support/until.ts'
import { configuration, witness } from './configuration.ts'

/** The system that is tested, and how its operator and its clients reach it. */
export interface World {
  readonly url: string
  /** The MCP servers. */
  readonly resources: readonly string[]
  /** For adding users. */
  readonly people: People
  /** `fetch` that takes replicas in turn. */
  readonly send: typeof fetch
  /** Answers that no server should ever give. */
  readonly faults: readonly string[]
  /** Advances the time of everything. */
  pass(seconds: number): Promise<void>
  sweep(): Promise<void>
  restart(replica: number): Promise<void>
  /** What an operator does on the dashboard, such as `clients/block`. Throws if it is refused. */
  operate(action: string, id: string): Promise<void>
  /** The keys that are published; all replicas agree on them. */
  keys(): Promise<readonly string[]>
  /** The status of a request to an MCP server; 502 says that it was let through. */
  call(resource: string, token: string, method?: string): Promise<number>
  introspect(token: string): Promise<Record<string, unknown>>
  /** Throws unless something holds, at once or, with several replicas, soon. */
  agree(holds: () => Promise<boolean>, what: string): Promise<void>
  close(): Promise<void>
}

/** Longer than a replica takes to look at the keys, or remembers who is blocked. */
const settledMilliseconds = 1300

/** Starts one replica with the embedded store, or two on a database. `Date` must be mocked. */
export async function openWorld(database?: string): Promise<World> {
  const store = database === undefined ? undefined : { url: database }
  const ports = [await freePort(), ...(store === undefined ? [] : [await freePort()])]
  const publicUrl = `http://127.0.0.1:${ports[0]}`
  const allowedHosts = ports.map((port) => `127.0.0.1:${port}`)
  const replicas: Installation[] = []
  for (const gateway of ports)
    replicas.push(
      await startInstallation({
        store,
        config: { ...configuration, publicUrl, allowedHosts, listen: { gateway } },
      }),
    )
  const [first] = replicas as [Installation]
  const shared = store === undefined ? {} : { store, secret: sharedSecret }
  const { store: own, secret } = await openConfiguredStore(
    loadConfig({ base: { data: first.data, ...shared } }),
    systemClock,
  )
  const faults: string[] = []
  let sent = 0
  const settle = (): Promise<unknown> => wait(settledMilliseconds)
  const sendTo = async (replica: Installation, target: string, init?: RequestInit): Promise<Response> => {
    const response = await fetch(target.replace(publicUrl, replica.gatewayUrl), init)
    // 502 is that of the MCP server which is not there.
    if (response.status >= 500 && response.status !== 502)
      faults.push(`${init?.method ?? 'GET'} ${target}: ${response.status}`)
    return response
  }
  const send = ((target: string, init?: RequestInit) =>
    sendTo(replicas[sent++ % replicas.length] as Installation, target, init)) as typeof fetch
  const keysOf = async (replica: Installation): Promise<string[]> => {
    const { keys } = (await (await sendTo(replica, `${publicUrl}/jwks`)).json()) as {
      keys: { kid: string }[]
    }
    return keys.map(({ kid }) => kid)
  }
  /** Each replica looks at the keys every second. */
  const untilKeysAgree = (): Promise<void> =>
    until(async () => {
      const stored = (await own.keys.list('authorization-server')).filter(
        ({ endsAt = Number.POSITIVE_INFINITY }) => endsAt > Date.now(),
      )
      const published = await Promise.all(replicas.map(keysOf))
      return published.every((kids) =>
        isDeepStrictEqual(kids.toSorted(), stored.map(({ kid }) => kid).toSorted()),
      )
    }, 'the keys')
  const basic = `Basic ${Buffer.from(`${witness}:${clientSecret}`).toString('base64')}`

  return {
    url: publicUrl,
    resources: configuration.upstreams.map(({ path }) => publicUrl + path),
    people: buildPeople({ store: own, secret, clock: systemClock }),
    send,
    faults,
    async pass(seconds) {
      const before = Date.now()
      mock.timers.tick(seconds * 1000)
      const keys = await own.keys.list('authorization-server')
      const turns = keys.flatMap(({ signsFrom, endsAt }) => [signsFrom, endsAt ?? 0])
      if (turns.some((at) => at > before && at <= Date.now())) await settle()
    },
    sweep: () => sweepStore(own, systemClock),
    restart: (replica) => (replicas[replica % replicas.length] as Installation).restart(),
    async operate(action, id) {
      const operator = await openDashboard(await first.dashboardLink())
      const answer = await operator.post(`/${action}`, { id })
      assert.equal(answer.status, 200, `${action}: ${await answer.text()}`)
      if (action.startsWith('keys/')) await untilKeysAgree()
      else if (replicas.length > 1) await settle()
    },
    async keys() {
      const all = await Promise.all(replicas.map(keysOf))
      assert.equal(new Set(all.map((kids) => kids.join(' '))).size, 1, 'the replicas have the same keys')
      return all[0] as string[]
    },
    async call(resource, token, method = 'ping') {
      const response = await send(resource, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { name: 'x' } }),
      })
      await response.text()
      return response.status
    },
    async introspect(token) {
      const response = await send(`${publicUrl}/introspect`, {
        method: 'POST',
        headers: { authorization: basic },
        body: new URLSearchParams({ token }),
      })
      return (await response.json()) as Record<string, unknown>
    },
    async agree(holds, what) {
      if (replicas.length === 1) assert.ok(await holds(), what)
      else await until(holds, what, 5000)
    },
    async close() {
      await own.close()
      for (const replica of replicas) await replica.close()
    },
  }
}
