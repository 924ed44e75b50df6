import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import type { RequestEvent } from '../../src/telemetry/event.ts'
import { replaceTraceContext, traceContextOf } from '../../src/telemetry/trace-context.ts'
import type { Traces } from '../../src/telemetry/trace-contract.ts'
import { openTraces } from '../../src/telemetry/traces.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { listen } from '../support/listen.ts'
import { type ReceivedSpan, readSpans } from '../support/otlp.ts'
import { answeredRequest } from '../support/request-event.ts'
import { until } from '../support/until.ts'

const traceOf = (digit: string): string => digit.repeat(32)
const spanOf = (digit: string): string => digit.repeat(16)
const parent = (trace: string, span: string, flags = '01'): string => `00-${trace}-${span}-${flags}`
/** OTLP, Span.SpanKind. */
const [server, client] = [2, 3]

/** A collector that keeps what it was sent, byte for byte. */
async function startCollector() {
  const sent: { headers: IncomingHttpHeaders; body: Buffer; url: string | undefined }[] = []
  let status = 200
  const collecting = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      sent.push({ headers: req.headers, body: Buffer.concat(chunks), url: req.url })
      res.writeHead(status, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  const { url, close } = await listen(collecting)
  return {
    url: `${url}/v1/traces`,
    sent,
    answer(next: number) {
      status = next
    },
    all: (): Buffer => Buffer.concat(sent.map(({ body }) => body)),
    close,
  }
}

describe('traces', { timeout: 60_000 }, () => {
  let collector: Awaited<ReturnType<typeof startCollector>>
  let gate: GatedSpy
  let token: string
  before(async () => {
    collector = await startCollector()
    gate = await startGatedSpy({
      traces: { endpoint: collector.url, authorization: 'Bearer of-the-collector' },
      log: { level: 'info', format: 'json' },
    })
    token = await gate.tokenFor('mcp:tools:read', 'ada-lovelace')
  })
  after(() => collector.close())

  const forwarded = (): string => String(gate.spy.seen.at(-1)?.headers['traceparent'])

  it('go on to the server in the context that the client sent, by a span of the gateway', async () => {
    const [trace, span] = [traceOf('a'), spanOf('b')]
    const headers = { traceparent: parent(trace, span), tracestate: 'vendor=1' }
    assert.equal((await gate.post(legacyRequest('tools/list'), { token, headers })).status, 200)
    assert.match(forwarded(), new RegExp(`^00-${trace}-(?!${span})[0-9a-f]{16}-01$`))
    assert.equal(gate.spy.seen.at(-1)?.headers['tracestate'], 'vendor=1')
  })

  it('take the context of the message where no header has one, and leave its bytes alone', async () => {
    const trace = traceOf('c')
    const { body, headers } = modernRequest('tools/list')
    const { params } = body as { params: { _meta: object } }
    const meta = { ...params['_meta'], traceparent: parent(trace, spanOf('d')) }
    const sent = { ...body, params: { ...params, _meta: meta } }
    assert.equal((await gate.post(sent, { token, headers })).status, 200)
    assert.match(forwarded(), new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
    assert.deepEqual(JSON.parse(gate.spy.seen.at(-1)?.body ?? ''), sent)

    // A proxy between them has begun a trace of its own: the message says what belongs together.
    const proxied = { ...headers, traceparent: parent(traceOf('e'), spanOf('e')) }
    assert.equal((await gate.post(sent, { token, headers: proxied })).status, 200)
    assert.match(forwarded(), new RegExp(`^00-${trace}-`))
  })

  it('begin anew where nobody sent any, or nonsense', async () => {
    for (const traceparent of [undefined, 'nonsense', parent(traceOf('0'), spanOf('1'))]) {
      const headers: Record<string, string> = traceparent === undefined ? {} : { traceparent }
      assert.equal((await gate.post(legacyRequest('tools/list'), { token, headers })).status, 200)
      assert.match(forwarded(), /^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    }
  })

  it('are kept whatever a client says about it', async () => {
    const headers = { traceparent: parent(traceOf('9'), spanOf('9'), '00') }
    await gate.post(legacyRequest('tools/list'), { token, headers })
    assert.match(forwarded(), new RegExp(`^00-${traceOf('9')}-[0-9a-f]{16}-01$`))
  })

  it('reach the collector over OTLP, with what an operator looks for and no person, token or argument in them', async () => {
    const denied = legacyRequest('tools/call', { name: 'rm', arguments: { path: 'argument-of-the-call' } })
    assert.equal((await gate.post(denied, { token })).status, 403)
    await gate.oauth.signIn({ scope: 'mcp:tools:read' }, new FormBrowser({ fill: { name: 'grace-hopper' } }))
    const told = gate.spy.seen.map(({ headers }) => headers['traceparent'])
    await gate.close()
    const all = collector.all()
    const spans = collector.sent.flatMap(({ body }) => readSpans(body))
    const spanIn = (digit: string, kind: number): ReceivedSpan => {
      const [found, ...others] = spans.filter((span) => span.traceId === traceOf(digit) && span.kind === kind)
      assert.ok(found !== undefined, `trace ${digit}`)
      assert.ok(digit === 'c' || others.length === 0)
      return found
    }
    const [first] = collector.sent
    assert.equal(first?.url, '/v1/traces')
    assert.equal(first?.headers['content-type'], 'application/x-protobuf')
    assert.equal(first?.headers.authorization, 'Bearer of-the-collector')
    for (const text of [
      'tools/list',
      'tools/call',
      'oauth token',
      'scope_insufficient',
      'service.name',
      'rm',
    ])
      assert.ok(all.includes(text), text)
    // Each request is a span under that of the client, and the call of the server one under it: what the server was told.
    for (const [trace, span] of [
      ['a', 'b'],
      ['c', 'd'],
      ['9', '9'],
    ] as const) {
      const request = spanIn(trace, server)
      const call = spanIn(trace, client)
      assert.equal(request.parentSpanId, spanOf(span))
      assert.equal(call.parentSpanId, request.spanId)
      assert.ok(told.includes(`00-${trace.repeat(32)}-${call.spanId}-01`), trace)
      assert.deepEqual(
        [request.name, call.name, call.attributes['portcullis.upstream']],
        ['tools/list', 'tools/list', 'spy'],
      )
      assert.ok(request.start <= call.start && call.start <= call.end && call.end <= request.end)
    }
    assert.equal(spanIn('a', server).traceState, 'vendor=1')
    // Where a proxy had begun a trace of its own, that one is linked to, by the request that has it.
    const linking = spans.filter(({ links }) => links.length > 0)
    assert.deepEqual(
      linking.map(({ traceId, kind, links }) => [traceId, kind, links]),
      [[traceOf('c'), server, [{ traceId: traceOf('e'), spanId: spanOf('e') }]]],
    )
    // Who sent none, or nonsense, begins a trace; and what was refused called nobody.
    const rootless = spans.filter(
      ({ name, kind, parentSpanId }) => name === 'tools/list' && kind === server && parentSpanId === '',
    )
    assert.equal(rootless.length, 3)
    const refused = spans.filter(({ attributes }) => attributes['error.type'] === 'scope_insufficient')
    assert.deepEqual(
      refused.map(({ kind, parentSpanId }) => [kind, parentSpanId]),
      [[server, '']],
    )
    for (const text of ['ada-lovelace', 'grace-hopper', 'eyJ', 'argument-of-the-call', 'Bearer '])
      assert.ok(!all.includes(text), text)
  })

  it('that cannot be sent are told once, and hold nothing up', async () => {
    collector.answer(400)
    const failing = await startGatedSpy({ traces: { endpoint: collector.url } })
    const own = await failing.tokenFor('mcp:*')
    assert.equal((await failing.post(legacyRequest('tools/list'), { token: own })).status, 200)
    await failing.close()
    assert.equal(failing.installation.log().match(/traces cannot be sent/g)?.length, 1)
  })
})

describe('a span', () => {
  const event: RequestEvent = {
    ...answeredRequest,
    methods: ['tools/call'],
    object: 'search',
  }
  const nowhere = { header: traceContextOf([]), message: undefined }

  /** The spans that come of what is done with traces of which a share is kept. */
  async function spansOf(
    act: (traces: Traces) => void,
    sampleRatio = 1,
    clock = systemClock,
  ): Promise<readonly ReceivedSpan[]> {
    const collector = await startCollector()
    const settings = { serviceName: 'test', version: '1', clock, onChange: () => undefined }
    const traces = await openTraces({ ...settings, endpoint: collector.url, sampleRatio })
    act(traces)
    await traces.close()
    await collector.close()
    return collector.sent.flatMap(({ body }) => readSpans(body))
  }

  it('names what was called, and no prompt or resource, which are no tools', async () => {
    const prompt = { ...event, methods: ['prompts/get'], object: 'a-prompt' }
    const batch = { ...event, methods: ['tools/call', 'tools/call'], object: 'search search' }
    const spans = await spansOf((traces) => {
      for (const one of [event, prompt, batch]) traces.record(nowhere, one)
    })
    assert.deepEqual(
      spans.map(({ name, attributes }) => [name, attributes['gen_ai.tool.name']]),
      [
        ['tools/call', 'search'],
        ['prompts/get', undefined],
        ['batch', undefined],
      ],
    )
  })

  it('lies where its request was, by the clock on the wall', async (test) => {
    const now = Date.UTC(2026, 10, 27, 10)
    const milliseconds = (nanoseconds: bigint): number => Number(nanoseconds / 1_000_000n) - now
    const time = test.mock.method(performance, 'now', () => 5_000_000)
    const spans = await spansOf(
      (traces) => {
        traces.record(nowhere, { ...event, durationMs: 1500 })
        const call = traces.begin(nowhere, 4_999_000)
        time.mock.mockImplementation(() => 5_000_250)
        call.end(event)
        time.mock.restore()
      },
      1,
      { now: () => now },
    )
    assert.deepEqual(
      spans.map(({ start, end }) => [milliseconds(start), milliseconds(end)]),
      [
        [-1500, 0],
        [-1000, 250],
      ],
    )
  })

  it('is an error where the request failed, not where it was refused', async () => {
    const spans = await spansOf((traces) => {
      for (const outcome of ['allowed', 'denied', 'failed'] as const)
        traces.record(nowhere, { ...event, outcome })
    })
    assert.deepEqual(
      spans.map(({ status }) => status),
      [0, 0, 2],
    )
  })

  it('of a call is told where there was one', async () => {
    const spans = await spansOf((traces) => {
      traces.begin(nowhere, performance.now()).end(event)
      const called = traces.begin(nowhere, performance.now())
      called.went()
      called.end(event)
    })
    assert.deepEqual(
      spans.map(({ kind }) => kind),
      [server, client, server],
    )
  })

  it('is kept by nobody who only says that it is', async () => {
    const header = traceContextOf(['traceparent', parent(traceOf('a'), spanOf('b'), '01')])
    assert.deepEqual(await spansOf((traces) => traces.record({ header, message: undefined }, event), 0), [])
  })

  it('that cannot be sent is told when that begins, and when it ends', async () => {
    const collector = await startCollector()
    const told: boolean[] = []
    const onChange = (reason: string | undefined): void => void told.push(reason === undefined)
    const settings = {
      serviceName: 'test',
      version: '1',
      clock: systemClock,
      endpoint: collector.url,
      sampleRatio: 1,
      onChange,
    }
    const traces = await openTraces(settings)
    const send = async (count: number): Promise<void> => {
      // As many as are sent at once.
      for (let n = 0; n < 512; n++) traces.record(nowhere, event)
      await until(() => collector.sent.length >= count, 'the collector has got them')
    }
    collector.answer(400)
    await send(1)
    await send(2)
    await send(3)
    collector.answer(200)
    await send(4)
    await traces.close()
    await collector.close()
    assert.deepEqual(told, [false, true])
  })
})

describe('the context of a trace', () => {
  it('is of headers, however they are written, and in no value', () => {
    const sent = ['X-Note', 'traceparent', 'TraceParent', 'of-the-client', 'TRACESTATE', 'vendor=1']
    assert.deepEqual(traceContextOf(sent), { traceparent: 'of-the-client', tracestate: 'vendor=1' })
    assert.deepEqual(replaceTraceContext(sent, ['traceparent', 'ours']), [
      'X-Note',
      'traceparent',
      'traceparent',
      'ours',
    ])
  })
})

describe('without traces', () => {
  it('the context of the client passes as it came', async () => {
    const gate = await startGatedSpy()
    const token = await gate.tokenFor('mcp:*')
    const headers = { traceparent: parent(traceOf('a'), spanOf('b'), '00') }
    await gate.post(legacyRequest('tools/list'), { token, headers })
    assert.equal(gate.spy.seen.at(-1)?.headers['traceparent'], headers.traceparent)
    await gate.close()
  })
})
