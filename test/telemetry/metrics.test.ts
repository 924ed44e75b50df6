import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RequestEvent } from '../../src/telemetry/event.ts'
import { joinMetrics, joinTenants, keepCounts } from '../../src/telemetry/join-metrics.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { answeredRequest } from '../support/request-event.ts'

const event: RequestEvent = {
  ...answeredRequest,
  methods: ['tools/list'],
  upstream: 'files',
}

/** The number behind a name with its labels; undefined where there is no such line. */
function valueOf(text: string, name: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length))
}

describe('the metrics of a process', () => {
  it('say how long requests take, not how long streams are held open', async () => {
    const metrics = createMetrics('1')
    metrics.request(event)
    metrics.request({ ...event, httpMethod: 'GET', methods: undefined })
    metrics.request({ ...event, methods: ['subscriptions/listen'] })
    const { text } = await metrics.render()
    const durations = 'portcullis_request_duration_seconds_count{kind="mcp",upstream="files"}'
    assert.equal(valueOf(text, durations), 1)
    assert.equal(valueOf(text, durations.replace('_count', '_sum')), event.durationMs / 1000, 'in seconds')
    const other = createMetrics('1')
    for (const kind of ['oauth', 'proxy'] as const)
      other.request({ ...event, kind, httpMethod: 'GET', upstream: undefined, methods: undefined })
    const rest = (await other.render()).text.match(/^portcullis_request_duration_seconds_count.*$/gm)
    const ofKind = (kind: string): string =>
      `portcullis_request_duration_seconds_count{kind="${kind}",upstream=""} 1`
    assert.deepEqual(rest, ['oauth', 'proxy'].map(ofKind), 'pages and documents are no streams')
  })

  it('count no flow that was refused', async () => {
    const metrics = createMetrics('1')
    for (const outcome of ['denied', 'allowed'] as const)
      for (const step of ['authorization', 'token'] as const)
        metrics.request({ ...event, kind: 'oauth', step, outcome, grantType: 'authorization_code' })
    const { text } = await metrics.render()
    assert.equal(valueOf(text, 'portcullis_oauth_flows_started_total'), 1)
    const completed = 'portcullis_oauth_flows_completed_total{grant_type="authorization_code"}'
    assert.equal(valueOf(text, completed), 1)
    for (const outcome of ['denied', 'allowed'])
      assert.equal(
        valueOf(text, `portcullis_oauth_steps_total{step="token",outcome="${outcome}"}`),
        1,
        'where it broke off, and where not',
      )
  })

  it('count what comes without a usable access token, and not clients that fail at the token endpoint', async () => {
    const metrics = createMetrics('1')
    const refused = { ...event, outcome: 'denied', status: 401, reason: 'token is malformed' } as const
    metrics.request(refused)
    metrics.request({ ...refused, kind: 'oauth', step: 'token', reason: 'invalid secret provided' })
    metrics.request({ ...refused, kind: 'proxy', reason: undefined })
    metrics.request({ ...refused, status: 403, reason: 'scope_insufficient' })
    const { text } = await metrics.render()
    const counts = text
      .split('\n')
      .filter((line) => line.startsWith('portcullis_authentication_failures_total{'))
    assert.deepEqual(counts, ['portcullis_authentication_failures_total{reason="token is malformed"} 1'])
  })

  it('have no more labels for what others choose, however often they are asked for', async () => {
    const metrics = createMetrics('1')
    for (let code = 0; code < 150; code++) metrics.request({ ...event, code: `code-${code}` })
    metrics.request({ ...event, code: 'code-1' })
    const scopes = ['mcp:tools', 'mcp:prompts']
    metrics.request({ ...event, methods: ['tools/call', 'prompts/get'], scopes })
    metrics.request({ ...event, methods: ['tools/call'], scopes })
    await metrics.render()
    const { text } = await metrics.render()
    assert.equal(text.match(/^portcullis_refusals_total\{/gm)?.length, 101)
    assert.equal(valueOf(text, 'portcullis_refusals_total{kind="mcp",code="other"}'), 50)
    assert.equal(valueOf(text, 'portcullis_refusals_total{kind="mcp",code="code-1"}'), 2)
    assert.equal(valueOf(text, 'portcullis_requests_total{kind="mcp",status="200"}'), 153)
    const calls = 'portcullis_mcp_operations_total{upstream="files",method="tools/call",scope='
    assert.equal(valueOf(text, `${calls}"",outcome="allowed"}`), 1, 'those of a batch belong to none of it')
    assert.equal(valueOf(text, `${calls}"mcp:tools mcp:prompts",outcome="allowed"}`), 1)
  })

  it('tell what the audit has lost, and not the sum of what they have told', async () => {
    const metrics = createMetrics('1')
    metrics.watchAudit({ lost: () => 3, waiting: () => new Map() })
    await metrics.render()
    assert.equal(valueOf((await metrics.render()).text, 'portcullis_audit_lost_total'), 3)
  })
})

describe('the metrics of workers and of tenants', () => {
  it('say how many serve, and how many were lost', async () => {
    const metrics = createMetrics('1')
    let running = 2
    const lose = metrics.watchWorkers(() => running)
    running = 1
    lose()
    const { text } = await metrics.render()
    assert.equal(valueOf(text, 'portcullis_workers'), 1)
    assert.equal(valueOf(text, 'portcullis_workers_lost_total'), 1)
  })

  it('name the tenant, and leave out what is of the process', async () => {
    const metrics = createMetrics('1', 'acme')
    metrics.request(event)
    const { text } = await metrics.render()
    assert.equal(valueOf(text, 'portcullis_requests_total{kind="mcp",status="200",tenant="acme"}'), 1)
    assert.doesNotMatch(text, /^(?:process_|portcullis_build_info\{)/m)
  })
})

describe('the metrics of several processes', () => {
  const watching = (bytes: number) => {
    const metrics = createMetrics('1')
    metrics.watchAudit({ lost: () => 1, waiting: () => new Map([['siem', bytes]]) })
    return metrics
  }
  const waiting = 'portcullis_audit_waiting_bytes{sink="siem"}'

  it('add up what was counted, and not the files that all of them see', async () => {
    const { text } = await joinMetrics([await watching(10).collect(), await watching(10).collect()])
    assert.equal(valueOf(text, 'portcullis_audit_lost_total'), 2)
    assert.equal(valueOf(text, waiting), 10)
  })

  it('leave out what is of one process, which one process with tenants does not', async () => {
    const collected = await createMetrics('1').collect()
    assert.doesNotMatch((await joinMetrics([collected, []])).text, /^process_start_time_seconds /m)
    assert.match((await joinTenants(collected)).text, /^process_start_time_seconds \d/m)
  })

  it('keep of one that is gone what it counted, and not what it was', async () => {
    const metrics = watching(10)
    metrics.request(event)
    const { text } = await joinMetrics([await keepCounts([[], await metrics.collect()])])
    assert.equal(valueOf(text, 'portcullis_requests_total{kind="mcp",status="200"}'), 1)
    assert.match(text, /^portcullis_request_duration_seconds_count\{.*\} 1$/m)
    assert.equal(valueOf(text, waiting), undefined)
    assert.doesNotMatch(text, /process_resident_memory_bytes/)
  })
})
