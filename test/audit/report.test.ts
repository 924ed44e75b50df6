import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { RecordedEvent } from '../../src/audit/event.ts'
import { accessKey, collectDecisions } from '../../src/audit/report/collect.ts'
import { accessReviewPage } from '../../src/audit/report/page.ts'
import { reviewIssuers } from '../../src/compose/access-review/issuers.ts'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { portcullis } from '../support/command.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { freePort, type Installation, sharedSecret, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.ts'
import { partOf, rowsOf, someReview } from '../support/review.ts'

const own = 'https://mcp.example.com'
const accept = 'application/json, text/event-stream'
const event = (facts: Partial<RecordedEvent> = {}): RecordedEvent => ({
  v: 1,
  chain: 'c',
  seq: 1,
  prev: '',
  time: '2026-11-27T12:00:00.000Z',
  event: 'mcp.call',
  outcome: 'allowed',
  issuer: own,
  subject: 'ada',
  clientId: 'inspector',
  upstream: 'files',
  method: 'tools/call',
  object: 'read',
  ...facts,
})

describe('what a review counts', () => {
  const collect = (...events: RecordedEvent[]) => {
    const collected = collectDecisions(own)
    for (const one of events) collected.add(one)
    return collected.result()
  }

  it('is what was done and refused, and why', async () => {
    const refused = {
      outcome: 'challenged',
      code: 'scope_insufficient',
      missing: ['mcp:tools:execute'],
    } as const
    const admin = { event: 'admin.user', subject: undefined, operator: 'root', action: 'user add' } as const
    const decisions = collect(event(), event(), event(), event(refused), event({ ...admin, target: 'bob' }))
    const page = await accessReviewPage(someReview({ decisions }))
    assert.match(page, /<td>tools\/call read<\/td><td class="number">3<\/td><td class="number">1<\/td>/)
    assert.match(page, /scope_insufficient mcp:tools:execute/)
    assert.match(page, /<td>user add<\/td><td>bob<\/td>/)
  })

  it('is used by server: what is used of one says nothing of another', () => {
    const { used } = collect(event())
    const access = { subject: 'ada', clientId: 'inspector' }
    assert.ok(used.has(accessKey({ ...access, upstream: 'files' })))
    assert.ok(!used.has(accessKey({ ...access, upstream: 'mail' })))
  })

  it('is used by our own subjects alone: others may have the same names', () => {
    const { used, activities } = collect(event({ issuer: 'https://idp.example' }))
    assert.equal(used.size, 0)
    assert.equal(activities[0]?.subject, 'ada at https://idp.example')
  })

  it('goes by times, in whatever order the events of several machines come', () => {
    const late = '2026-11-27T13:00:00.000Z'
    const { first, last, used, activities } = collect(event({ time: late }), event())
    assert.deepEqual([first, last], [event().time, late])
    assert.deepEqual([[...used.values()], activities[0]?.last], [[late], late])
  })

  it('has a bound, however many names strangers make up', () => {
    const { activities } = collect(
      ...Array.from({ length: 10_200 }, (_, call) => event({ object: `made-up-${call}` })),
    )
    assert.equal(activities.length, 10_001)
    assert.equal(activities.find(({ subject }) => subject === '(others)')?.allowed, 200)
  })
})

describe('the page of a review', () => {
  it('has no script, whatever people and programs call themselves', async () => {
    const user = { id: 'usr_1', provider: undefined, groups: [], roles: [], state: 'active' }
    const page = await accessReviewPage(
      someReview({ users: [{ ...user, name: '<script>alert(1)</script>' }] }),
    )
    assert.doesNotMatch(page, /<script/)
    assert.match(partOf(page, 'Users'), /&lt;script&gt;/)
  })

  it('names everybody whose word gives access, with what it gives', () => {
    const config = loadConfig({
      base: {
        upstreams: [{ name: 'files', url: 'http://127.0.0.1:9/mcp' }],
        issuers: [
          {
            issuer: 'https://idp.example',
            audiences: ['api'],
            scopes: ['mcp:tools:read'],
            scopeMap: { 'Mcp.Use': ['mcp:tools'] },
            claims: { groups: ['memberOf'] },
          },
        ],
        login: {
          providers: [
            {
              issuer: 'https://login.example',
              clientId: 'gate',
              clientSecret: 'a-secret',
              allow: { groups: ['staff'] },
            },
          ],
        },
        grants: { identityAssertions: [{ issuer: 'https://company.example' }] },
      },
    })
    const told = reviewIssuers(config).map(({ issuer, accepts, gives }) =>
      [issuer, accepts, ...gives].join('|'),
    )
    assert.match(
      told[0] ?? '',
      /^https:\/\/idp\.example\|tokens for api\|every token: mcp:tools:read\|Mcp\.Use: mcp:tools\|/,
    )
    assert.match(told[0] ?? '', /groups in memberOf, roles in roles/)
    assert.match(told[1] ?? '', /^https:\/\/login\.example\|groups staff\|/)
    assert.match(told[2] ?? '', /^https:\/\/company\.example\|/)
  })
})

interface Report {
  readonly page: string
  readonly stderr: string
}

describe('portcullis audit report and export, where two machines share a database', {
  timeout: 120_000,
}, () => {
  const scopes = ['mcp:tools:read']
  const upstreams = ['files', 'mail'].map((name) => ({
    name,
    path: `/${name}/mcp`,
    url: 'http://127.0.0.1:9/mcp',
    breaker: { failures: 0 },
  }))
  const clients = [
    { id: 'user-client', redirectUris: ['http://127.0.0.1:1/callback'] },
    {
      id: 'robot',
      secret: 'a-secret-of-the-robot',
      grantTypes: ['client_credentials'],
      scopes,
      upstreams: ['mail'],
    },
  ] satisfies ConfigInput['clients']
  const sinks = [{ kind: 'postgres', name: 'copy' }] satisfies NonNullable<ConfigInput['audit']>['sinks']
  const machines: Installation[] = []
  let postgres: TestPostgres
  let file: string
  let folders: string[]
  let url: string
  let ofDatabase: Report

  before(async () => {
    postgres = await startPostgres()
    const store = await postgres.createDatabase()
    for (const _ of ['one', 'other']) {
      const publicUrl = machines[0]?.url
      const gateway = await freePort()
      const place = { listen: { gateway }, allowedHosts: [`127.0.0.1:${gateway}`] }
      const config = { upstreams, clients, audit: { sinks }, ...place, ...(publicUrl && { publicUrl }) }
      machines.push(await startInstallation({ config, store }))
    }
    const [one, other] = machines as [Installation, Installation]
    url = one.url
    const call = (machine: Installation, name: string, token: string): Promise<Response> =>
      fetch(`${machine.gatewayUrl}/${name}/mcp`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept },
        body: JSON.stringify(legacyRequest('tools/list')),
      })
    const oauth = new OAuthClient(url)
    const tokens = await Promise.all(
      upstreams.map(async ({ path }) => {
        const browser = new FormBrowser({ fill: { name: 'ada' } })
        const signedIn = await oauth.signIn({ scope: 'mcp:tools:read', resource: url + path }, browser)
        return signedIn.access_token
      }),
    )
    // The one server is used through the other machine alone, and the other server through none.
    assert.equal((await call(other, 'files', tokens[0] ?? '')).status, 502)
    file = join(one.data, 'portcullis.json')
    folders = machines.map(({ data }) => join(data, 'audit'))
    const written = { data: one.data, publicUrl: url, store: { url: store.url }, secret: sharedSecret }
    writeFileSync(file, JSON.stringify({ ...written, upstreams, clients, audit: { sinks } }))
    await addProviderUser(file)
    // What is left goes to the database on the way out.
    for (const machine of machines) await machine.restart()
    ofDatabase = await report('--database')
  })
  after(async () => {
    for (const machine of machines) await machine.close()
    await postgres.stop()
  })

  const report = async (...flags: string[]): Promise<Report> => {
    const out = join(mkdtempSync(join(tmpdir(), 'portcullis-review-')), 'review.html')
    const { code, stderr } = await portcullis(['audit', 'report', '-c', file, '--out', out, ...flags])
    assert.equal(code, 0, stderr)
    return { page: readFileSync(out, 'utf8'), stderr }
  }

  it('tells used access from unused by server, over both machines', async () => {
    const reports = [ofDatabase, await report(...folders.toReversed())]
    for (const { page, stderr } of reports) {
      assert.equal(stderr, '')
      const mail = `${url}/mail/mcp`
      const unused = rowsOf(page, 'Unused access').map((row) => row.slice(0, 5).join('|'))
      assert.match(
        unused[0] ?? '',
        new RegExp(`^robot \\(machine\\)\\|robot\\|${mail}\\|mcp:tools:read\\|by the config`),
      )
      assert.match(unused[1] ?? '', new RegExp(`^ada\\|user-client\\|${mail}\\|mcp:tools:read\\|\\d{4}-`))
      assert.equal(unused.length, 2)
      assert.equal(rowsOf(page, 'Who may do what').length, 3)
      assert.match(page, /The record was verified/)
    }
  })

  it('says of one machine that it is one, however often its folder is named', async () => {
    const [folder = ''] = folders
    const once = await report()
    for (const { page, stderr } of [once, await report(folder, join(folder, '.'))]) {
      assert.equal(rowsOf(page, 'Unused access').length, 3)
      for (const text of [page, stderr]) assert.match(text, /other machines .* --database/)
    }
    const { stdout } = await portcullis(['audit', 'verify', '-c', file, folder, folder])
    assert.equal(stdout.match(/ events in /g)?.length, 1)
  })

  it('has groups and roles of users, and scopes, servers and grant types of clients', async () => {
    const { page } = ofDatabase
    const [user] = rowsOf(page, 'Users')
    assert.deepEqual(user?.slice(1), ['grace (Grace)', 'company', 'staff, ops', 'auditor', 'active'])
    assert.deepEqual(
      rowsOf(page, 'Clients').map((row) => row.slice(2, 5)),
      [
        ['authorization_code refresh_token', 'all', 'all'],
        ['client_credentials', 'mcp:tools:read', 'mail'],
      ],
    )
  })

  it('exports the same events in each format', async () => {
    const exported = async (format: string, ...more: string[]): Promise<string[]> => {
      const flags = ['-c', file, '--database', '--event', 'mcp.call', '--format', format, ...more]
      const { code, stdout, stderr } = await portcullis(['audit', 'export', ...flags])
      assert.equal(code, 0, stderr)
      return stdout.trimEnd().split('\n')
    }
    const [line = '', ...others] = await exported('jsonl')
    const { chain, seq, subject } = JSON.parse(line) as RecordedEvent
    assert.deepEqual([subject, others], ['ada', []])
    const [heading = '', row = ''] = await exported('csv')
    const cells = row.split(',')
    assert.deepEqual(
      ['subject', 'upstream', 'chain', 'seq'].map((name) => cells[heading.split(',').indexOf(name)]),
      // One in 64 begins as a formula does, which no spreadsheet may see.
      ['ada', 'files', chain.replace(/^-/, "'-"), String(seq)],
    )
    const [ocsf = ''] = await exported('ocsf')
    assert.equal((JSON.parse(ocsf) as { metadata: { uid: string } }).metadata.uid, `${chain}.${seq}`)

    const out = `${file}.jsonl`
    assert.deepEqual(await exported('jsonl', '--out', out), [''])
    assert.equal(readFileSync(out, 'utf8'), `${line}\n`)
    assert.equal(statSync(out).mode & 0o777, 0o600, 'of the operator alone')
  })
})

async function addProviderUser(file: string): Promise<void> {
  const { store } = await openConfiguredStore(loadConfig({ file }), systemClock)
  const now = Date.now()
  await store.identities.enter({
    user: {
      id: 'usr_grace',
      name: 'grace',
      displayName: 'Grace',
      passwordHash: undefined,
      createdAt: now,
      disabledAt: undefined,
      loginsSince: now,
      provider: 'company',
    },
    nameKey: 'grace',
    issuer: 'https://login.example',
    subject: '1',
    facts: {
      displayName: 'Grace',
      email: undefined,
      domain: undefined,
      tenant: undefined,
      groups: ['staff', 'ops'],
      roles: ['auditor'],
    },
    credential: undefined,
    now,
  })
  await store.close()
}
