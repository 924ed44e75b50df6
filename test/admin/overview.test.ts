import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Table } from '../../src/admin/contract.ts'
import { drawTable } from '../../src/admin/pages/overview-page.ts'
import { describeTraffic } from '../../src/compose/dashboard/overview.ts'
import type { RequestEvent } from '../../src/telemetry/event.ts'
import { watchTraffic } from '../../src/telemetry/traffic.ts'

const event: RequestEvent = {
  kind: 'mcp',
  outcome: 'allowed',
  requestId: 'a-request',
  httpMethod: 'POST',
  path: '/mcp',
  status: 200,
  durationMs: 2,
  address: undefined,
  upstream: 'files',
  methods: ['tools/list'],
}

describe('the overview', () => {
  it('draws ten minutes, silence as silence, and nothing of the seconds that are not over', async () => {
    let now = 1_000_000_000_000
    const traffic = watchTraffic({ now: () => now })
    for (let call = 0; call < 10; call++) traffic.request(event)
    now += 60_000
    traffic.request(event)
    now += 4000
    const { points } = await describeTraffic(traffic.record(), now, async (one) => one)
    assert.equal(points.length, 120)
    assert.deepEqual([points[0]?.at, points.at(-1)?.at], [1e9 + 60 - 600, 1e9 + 55])
    assert.deepEqual(
      points.slice(-12).map(({ allowed }) => allowed),
      [2, ...Array.from({ length: 11 }, () => 0)],
    )
    assert.equal(points.at(-12)?.median, 2)
    assert.equal(points.at(-1)?.median, undefined)
  })

  it('says of what failed why, and does not count it as refused alone', async () => {
    const now = 1_000_000_000_000
    const traffic = watchTraffic({ now: () => now })
    traffic.request({ ...event, outcome: 'failed', status: 502, code: 'upstream_refused' })
    traffic.request({ ...event, kind: 'oauth', outcome: 'failed', status: 500 })
    traffic.request(event)
    const { tables } = await describeTraffic(traffic.record(), now, async (one) => one)
    const { recent, activities } = tables
    const outcome = recent?.columns.indexOf('Outcome') ?? -1
    assert.deepEqual(
      recent?.rows.map((row) => row[outcome]),
      ['allowed', 'failed', 'failed: upstream_refused'],
    )
    assert.equal(activities?.rows[0]?.[activities.columns.indexOf('Refused or failed')], '1')
    assert.deepEqual(tables['denials']?.rows, [])
  })

  it('asks who those are whom it shows, and nobody else', async () => {
    const traffic = watchTraffic({ now: () => 1_000_000_000_000 })
    for (let index = 0; index < 900; index++) traffic.request({ ...event, subject: `user-${index}` })
    for (let call = 0; call < 5; call++) traffic.request({ ...event, subject: 'ada' })
    const asked: string[] = []
    const { tables } = await describeTraffic(traffic.record(), 1_000_000_000_000, async (subject) => {
      asked.push(subject)
      return subject.toUpperCase()
    })
    assert.ok(asked.length <= 30 && asked.includes('ada'), `${asked.length} were asked about`)
    assert.deepEqual(tables['activities']?.rows[0]?.slice(0, 5), ['ADA', '—', 'files', 'tools/list', '5'])
    assert.deepEqual(tables['recent']?.rows[0]?.slice(0, 5), [
      '01:46:40 UTC',
      'mcp',
      'tools/list',
      'files',
      'ADA',
    ])
  })

  it('shows what a client named without what turns it round, and not at any length (A49)', async () => {
    const traffic = watchTraffic({ now: () => 1_000_000_000_000 })
    traffic.request({ ...event, object: `\u202Eelif_eteled\u0007${'x'.repeat(4000)}` })
    const { tables } = await describeTraffic(traffic.record(), 1_000_000_000_000, async (one) => one)
    const page = String(await drawTable(tables['recent'] as Table))
    assert.match(page, /<td>tools\/list elif_eteledx{300,400}…<\/td>/)
  })
})
