import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RequestEvent } from '../../src/telemetry/event.ts'
import { mergeTraffic } from '../../src/telemetry/merge-traffic.ts'
import { slotOf, watchTraffic } from '../../src/telemetry/traffic.ts'

let now = 1_000_000_000_000
const clock = { now: () => now }

const event = (given: Partial<RequestEvent>): RequestEvent => ({
  kind: 'mcp',
  outcome: 'allowed',
  requestId: 'a-request',
  httpMethod: 'POST',
  path: '/mcp',
  status: 200,
  durationMs: 2,
  address: undefined,
  ...given,
})

describe('what the dashboard shows of traffic', () => {
  it('counts by time, outcome and duration, and forgets what is ten minutes old', () => {
    const traffic = watchTraffic(clock)
    traffic.request(event({}))
    traffic.request(event({ outcome: 'denied', durationMs: 9000 }))
    now += 5000
    traffic.request(event({ outcome: 'failed' }))
    const [first, second] = traffic.record().slots
    assert.deepEqual(first?.outcomes, { allowed: 1, challenged: 0, denied: 1, failed: 0 })
    assert.deepEqual([first?.durations.at(2), first?.durations.at(-1), second?.outcomes.failed], [1, 1, 1])
    now += 600_000
    assert.equal(traffic.record().slots.length, 1)
    now += 5000
    assert.deepEqual(traffic.record().slots, [])
  })

  it('stays bounded, whatever callers call themselves', () => {
    const traffic = watchTraffic(clock)
    for (let index = 0; index < 20_000; index++)
      traffic.request(event({ subject: `user-${index}`, outcome: 'denied', code: `code-${index}` }))
    for (let index = 0; index < 1000; index++)
      traffic.request(event({ kind: 'oauth', step: 'token', outcome: 'denied', code: `code-${index}` }))
    const { activities, denials, flows, recent } = traffic.record()
    assert.ok(activities.length <= 1000 && denials.length <= 500 && flows.length <= 500)
    assert.equal(recent.length, 50)
    assert.equal(recent.at(-1)?.event.code, 'code-999')
    traffic.request(event({}))
    assert.equal(traffic.record().recent.length, 50)
  })

  it('stays bounded as time goes by, and in its order where the clock was set back', () => {
    const traffic = watchTraffic(clock)
    const hour = 3600_000
    for (let slot = 0; slot < 720; slot++) {
      traffic.request(event({}))
      now += 5000
    }
    traffic.record()
    now -= hour
    traffic.request(event({ outcome: 'failed' }))
    const { slots } = traffic.record()
    assert.ok(slots.length <= 121, String(slots.length))
    const begins = slots.map((slot) => slot.begins)
    assert.deepEqual(
      begins,
      begins.toSorted((one, other) => one - other),
    )
    assert.equal(slots.at(-1)?.outcomes.failed, 1)
    now += hour
  })

  it('names a method that was refused because nobody knows it', () => {
    const traffic = watchTraffic(clock)
    const unknownMethod = 'x/search'
    traffic.request(event({ outcome: 'denied', code: 'method_unknown', upstream: 'files', unknownMethod }))
    const { activities, denials } = traffic.record()
    assert.deepEqual([activities[0]?.method, denials[0]?.method], [unknownMethod, unknownMethod])
  })

  it('tells what was refused from what went well or failed, and one missing scope from another', () => {
    const traffic = watchTraffic(clock)
    traffic.request(event({}))
    traffic.request(event({ outcome: 'failed', code: 'upstream_unreachable' }))
    for (const missing of [['mcp:tools:read'], ['mcp:tools:execute'], ['mcp:tools:execute']])
      traffic.request(event({ outcome: 'challenged', code: 'scope_insufficient', missing }))
    const { activities, denials } = traffic.record()
    assert.deepEqual(
      activities.map(({ count, refused }) => [count, refused]),
      [[5, 4]],
    )
    assert.deepEqual(
      denials.map(({ missing, count }) => [...missing, count]),
      [
        ['mcp:tools:execute', 2],
        ['mcp:tools:read', 1],
      ],
    )
  })

  it('counts as flows what gets somebody on, not what is only looked at', () => {
    const traffic = watchTraffic(clock)
    for (const step of ['page', 'discovery', 'keys', 'login', undefined] as const)
      traffic.request(event({ kind: 'oauth', step }))
    assert.deepEqual(
      traffic.record().flows.map(({ step }) => step),
      ['login'],
    )
  })

  it('of several processes is in order, though one of them has been silent', () => {
    const [one, other] = [watchTraffic(clock), watchTraffic(clock)]
    other.request(event({}))
    now += 5000
    one.request(event({}))
    const begins = mergeTraffic([one.record(), other.record()]).slots.map((slot) => slot.begins)
    assert.deepEqual(begins, [slotOf(now - 5000), slotOf(now)])
  })

  it('of several processes is what one would have seen', () => {
    const events = [
      event({ subject: 'ada', upstream: 'files', methods: ['tools/list'] }),
      event({
        subject: 'ada',
        upstream: 'files',
        methods: ['tools/call'],
        outcome: 'denied',
        code: 'scope_missing',
      }),
      event({ kind: 'oauth', step: 'token', grantType: 'refresh_token' }),
    ]
    const [one, other, all] = [watchTraffic(clock), watchTraffic(clock), watchTraffic(clock)]
    for (const [index, each] of Array.from({ length: 20 }, () => events)
      .flat()
      .entries()) {
      now += 100
      // The first process hears of them in pairs: the latest ones are not those of the last process alone.
      ;(index % 4 < 2 ? one : other).request({ ...each, requestId: String(index) })
      all.request({ ...each, requestId: String(index) })
    }
    const sorted = ({ slots, activities, denials, flows }: ReturnType<typeof all.record>): unknown =>
      [slots, activities, denials, flows].map((list) => list.map((item) => JSON.stringify(item)).toSorted())
    const merged = mergeTraffic([one.record(), other.record()])
    assert.deepEqual(sorted(merged), sorted(all.record()))
    assert.deepEqual(merged.recent, all.record().recent)
  })

  it('counts a request once that the gateway handed on, and those that it did not', () => {
    const traffic = watchTraffic(clock)
    traffic.request(event({ kind: 'oauth', step: 'token' }))
    traffic.request(event({ kind: 'proxy' }))
    traffic.request(event({ kind: 'proxy', outcome: 'failed', code: 'upstream_unreachable', status: 502 }))
    const { slots, activities, recent } = traffic.record()
    assert.deepEqual(activities, [], 'what nobody did at a server')
    assert.deepEqual(slots[0]?.outcomes, { allowed: 1, challenged: 0, denied: 0, failed: 1 })
    assert.deepEqual(
      recent.map(({ event: { kind, status } }) => [kind, status]),
      [
        ['oauth', 200],
        ['proxy', 502],
      ],
    )
  })
})
