import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type EraServers, serverKinds, startEraServers } from '../support/era-servers.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { inspectorCli, type MatrixClient, sdkV1, sdkV2 } from '../support/matrix-clients.ts'
import { OAuthClient } from '../support/oauth.ts'

/** With MATRIX=full the Inspector takes part, which starts a program for each step. */
const full = process.env['MATRIX'] === 'full'

const clients: readonly MatrixClient[] = [
  await sdkV1(),
  ...(['legacy', 'auto', { pin: '2026-07-28' }] as const).map(sdkV2),
  ...(full ? await Promise.all((['legacy', 'auto', 'modern'] as const).map(inspectorCli)) : []),
]

let gate: EraServers
before(async () => {
  gate = await startEraServers()
})
after(() => gate.close())

/** What came out, as the rows of the table in docs/clients.md. */
const rows = new Map<string, string[]>()

describe('every client with every kind of server (A75)', () => {
  for (const client of clients) {
    for (const kind of serverKinds) {
      it(`${client.name} with ${kind}`, { timeout: 120_000 }, async () => {
        const oauth = new OAuthClient(gate.installation.url)
        const user = client.name.replaceAll(/\W+/g, '-')
        const browser = new FormBrowser({ fill: { name: user } })
        const tokens = await oauth.signIn({ scope: 'mcp:*', resource: gate.urlOf(kind) }, browser)
        const { steps, close } = await client.open(gate.urlOf(kind), tokens.access_token)
        const failed = new Map<string, unknown>()
        for (const [name, step] of Object.entries(steps)) {
          await step().catch((error: unknown) => failed.set(name, error))
        }
        await close()
        const works = Object.keys(steps).filter((name) => !failed.has(name))
        const cell = failed.size === 0 ? `all ${works.length}` : works.join(', ')
        rows.set(client.name, [...(rows.get(client.name) ?? []), cell])
        assert.deepEqual(Object.fromEntries(failed), {})
        assert.deepEqual(erasOf(gate.nameOf(kind), user), [client.era])
      })
    }
  }

  /** In which eras a user asked a server for something, as the log of the gate has it. */
  function erasOf(server: string, user: string): unknown[] {
    const events = gate.installation.log().split('\n').filter(Boolean)
    const seen = events.map((line) => JSON.parse(line) as Record<string, unknown>)
    const asked = seen.filter(({ upstream, subject }) => upstream === server && subject === user)
    return [...new Set(asked.map(({ era }) => era).filter((era) => era !== undefined))]
  }

  it('comes out as docs/clients.md has it', () => {
    const manual = readFileSync(join(import.meta.dirname, '../../docs/clients.md'), 'utf8')
    const head = [
      `| client | era | ${serverKinds.join(' | ')} |`,
      `|---|---|${serverKinds.map(() => '---|').join('')}`,
    ]
    const lines = clients.map(({ name, era }) => `| ${[name, era, ...(rows.get(name) ?? [])].join(' | ')} |`)
    process.stdout.write(`${[...head, ...lines].join('\n')}\n`)
    for (const line of [...head, ...lines])
      assert.ok(manual.includes(`${line}\n`), `docs/clients.md lacks\n${line}`)
  })
})
