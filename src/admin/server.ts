import { Hono } from 'hono'
import { secretsEqual } from '../core/secret.ts'
import { scrub } from '../telemetry/scrub.ts'
import { type DashboardPorts, dashboardApp } from './dashboard.ts'

/** What the admin listener shows besides the dashboard. */
export interface AdminPorts {
  /** Resolves if requests can be served; throws with the reason if they cannot. */
  readonly checkReady: () => Promise<void>
  readonly renderMetrics: () => Promise<{ readonly type: string; readonly text: string }>
  readonly version: string
  /**
   * The bearer token that Prometheus sends; undefined if everybody who can reach the port may read metrics.
   */
  readonly metricsToken: string | undefined
  /** Called with errors. */
  readonly onFault: (error: unknown) => void
  /** Whether a value of the Host header is served: protection against DNS rebinding. */
  readonly isServed: (host: string) => boolean
}

/**
 * The host of a request without `Host`, such as a health check over HTTP/1.0 (HAProxy): no name led it here, since
 * browsers always send one.
 */
export const unnamedHost = 'localhost'

/** Health, metrics and the dashboards. Listens only on an internal address, never on the public port. */
export function adminApp(
  { checkReady, renderMetrics, version, metricsToken, onFault, isServed }: AdminPorts,
  dashboards: readonly DashboardPorts[],
): Hono {
  const app = new Hono()
  app.onError((error, context) => {
    onFault(error)
    return context.json({ error: 'internal' }, 500)
  })
  app.use(async (context, next) => {
    if (!isServed(context.req.header('host') ?? unnamedHost))
      return context.json({ error: 'host_not_allowed', setting: 'listen.adminNames' }, 403)
    await next()
    return undefined
  })
  app.get('/healthz', (context) => context.json({ status: 'ok', version }))
  app.get('/readyz', async (context) => {
    try {
      await checkReady()
      return context.json({ status: 'ready' })
    } catch (error) {
      // Reasons are for operators, but anybody within reach can send this request.
      return context.json({ status: 'not ready', reason: scrub((error as Error).message) }, 503)
    }
  })
  app.get('/metrics', async (context) => {
    if (metricsToken !== undefined && !isBearer(context.req.header('authorization'), metricsToken)) {
      const headers = { 'WWW-Authenticate': 'Bearer realm="metrics"' }
      return context.json({ error: 'unauthorized', setting: 'listen.metricsToken' }, 401, headers)
    }
    const { type, text } = await renderMetrics()
    return context.body(text, 200, { 'Content-Type': type })
  })
  for (const dashboard of dashboards) app.route(dashboard.place.base || '/', dashboardApp(dashboard))
  app.notFound((context) =>
    context.json({ error: 'not_found', try: ['/', '/healthz', '/readyz', '/metrics'] }, 404),
  )
  return app
}

/** Whether the value of an Authorization header is this bearer token (RFC 6750 section 2.1). Untrusted. */
function isBearer(authorization: string | undefined, token: string): boolean {
  const [, given] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? []
  return given !== undefined && secretsEqual(given, token)
}
