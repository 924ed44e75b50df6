import type { Context, HrTime, Span } from '@opentelemetry/api'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { Clock } from '../core/clock.ts'
import type { RequestEvent } from './event.ts'
import type { TraceContext } from './trace-context.ts'
import type { TraceOrigin, Traces } from './trace-contract.ts'

/** How traces are made and where they are sent. */
export interface TraceSettings {
  /** Accepts OTLP over HTTP, in protobuf. */
  readonly endpoint: string
  /** The value of its Authorization header. Secret. */
  readonly authorization?: string | undefined
  /** The fraction of traces that is kept, from 0 to 1. */
  readonly sampleRatio: number
  readonly serviceName: string
  readonly version: string
  /** The tenant whose requests they are, if any. */
  readonly tenant?: string | undefined
  readonly clock: Clock
  /** Called when traces cannot be sent, and when they can be again. */
  readonly onChange: (reason: string | undefined) => void
}

const exportMilliseconds = 5000

/**
 * Opens traces over OTLP. The libraries are loaded only here, so that nobody else pays for them. Only we
 * decide whether a trace is kept, whatever flags a client sends: a client must be able neither to enable
 * tracing nor to disable it.
 */
export async function openTraces(settings: TraceSettings): Promise<Traces> {
  const [api, core, sdk, { resourceFromAttributes }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/core'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
  ])
  const { endpoint, authorization, sampleRatio, serviceName, version, tenant, clock } = settings
  const exporter = tellChanges(
    new OTLPTraceExporter({
      url: endpoint,
      timeoutMillis: exportMilliseconds,
      ...(authorization === undefined ? {} : { headers: { authorization } }),
    }),
    settings.onChange,
  )
  const sampler = new sdk.TraceIdRatioBasedSampler(sampleRatio)
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.version': version,
      'portcullis.tenant': tenant,
    }),
    sampler: new sdk.ParentBasedSampler({
      root: sampler,
      remoteParentSampled: sampler,
      remoteParentNotSampled: sampler,
    }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, exportTimeoutMillis: exportMilliseconds })],
  })
  const tracer = provider.getTracer('portcullis', version)
  const propagator = new core.W3CTraceContextPropagator()

  /**
   * Converts times of `performance.now()` to those of the wall clock as of this moment, so that the spans of
   * one request stay together.
   */
  const wallClock = (): ((time: number) => HrTime) => {
    const began = clock.now() - performance.now()
    return (time) => core.millisToHrTime(began + time)
  }

  const extract = (context: TraceContext): Context =>
    propagator.extract(api.ROOT_CONTEXT, context, {
      keys: (carrier: TraceContext) => Object.keys(carrier),
      get: (carrier: TraceContext, key) => carrier[key as keyof TraceContext],
    })

  /**
   * The header was added later on the way than the message, unless it belongs to another trace: then both are
   * recorded.
   */
  const start = ({ header, message }: TraceOrigin, startTime: HrTime): Span => {
    const near = extract(header)
    const far = message === undefined ? api.ROOT_CONTEXT : extract(message)
    const [nearest, farthest] = [api.trace.getSpanContext(near), api.trace.getSpanContext(far)]
    const isOne = farthest === undefined || nearest?.traceId === farthest.traceId
    const links = isOne || nearest === undefined ? [] : [{ context: nearest }]
    return tracer.startSpan('request', { kind: api.SpanKind.SERVER, startTime, links }, isOne ? near : far)
  }
  const end = (span: Span, event: RequestEvent, endTime: HrTime): void => {
    span.updateName(nameOf(event))
    span.setAttributes(attributesOf(event))
    if (event.outcome === 'failed')
      span.setStatus({ code: api.SpanStatusCode.ERROR, message: event.reason ?? '' })
    span.end(endTime)
  }

  return {
    begin(origin, began) {
      const at = wallClock()
      const span = start(origin, at(began))
      const within = api.trace.setSpan(api.ROOT_CONTEXT, span)
      const call = tracer.startSpan(
        'call',
        { kind: api.SpanKind.CLIENT, startTime: at(performance.now()) },
        within,
      )
      const headers: string[] = []
      propagator.inject(api.trace.setSpan(within, call), headers, {
        set: (carrier, key, value) => void carrier.push(key, value),
      })
      let went = false
      return {
        headers,
        went: () => void (went = true),
        end(event) {
          // A span that has not ended is not sent: a request that was refused after all called nobody.
          const ended = at(performance.now())
          if (went) end(call, event, ended)
          end(span, event, ended)
        },
      }
    },
    record(origin, event) {
      const [at, now] = [wallClock(), performance.now()]
      end(start(origin, at(now - event.durationMs)), event, at(now))
    },
    close: () => provider.shutdown(),
  }
}

/** Few names: whatever a client can choose is an attribute. */
function nameOf({ kind, methods, step, httpMethod }: RequestEvent): string {
  if (kind === 'mcp' && methods !== undefined) return methods.length === 1 ? `${methods[0]}` : 'batch'
  return step === undefined ? `${httpMethod} ${kind}` : `oauth ${step}`
}

/**
 * The names are those of OpenTelemetry's semantic conventions, if it has one. Only the client is identified.
 */
function attributesOf(event: RequestEvent): Record<string, string | number | undefined> {
  const { methods = [], object } = event
  return {
    'http.request.method': event.httpMethod,
    'http.response.status_code': event.status,
    'url.path': event.path,
    'mcp.method.name': methods.length === 0 ? undefined : methods.join(','),
    'gen_ai.tool.name': methods.length === 1 && methods[0] === 'tools/call' ? object : undefined,
    'error.type': event.code,
    'portcullis.kind': event.kind,
    'portcullis.outcome': event.outcome,
    'portcullis.request_id': event.requestId,
    'portcullis.upstream': event.upstream,
    'portcullis.client_id': event.clientId,
    'portcullis.era': event.era,
    'portcullis.scopes': event.scopes?.join(' '),
    'portcullis.grant_type': event.grantType,
  }
}

/**
 * An exporter that reports when it begins to fail and when it works again. What it could not send is lost.
 */
function tellChanges(exporter: SpanExporter, onChange: TraceSettings['onChange']): SpanExporter {
  let fails = false
  return {
    export(spans: ReadableSpan[], done) {
      exporter.export(spans, (result) => {
        if ((result.error !== undefined) !== fails) {
          fails = !fails
          onChange(fails ? (result.error?.message ?? 'unknown') : undefined)
        }
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  }
}
