import { Hono } from 'hono'
import { type DashboardPorts, dashboardApp } from './dashboard.ts'

/** What the admin listener shows, beside the dashboard. */
export interface AdminPorts {
  /** Resolves when requests can be served; throws with the reason when they cannot. */
  readonly checkReady: () => Promise<void>
  readonly renderMetrics: () => Promise<{ readonly type: string; readonly text: string }>
  readonly version: string
  /** Says whether a value of the Host header is served: protection against DNS rebinding. */
  readonly isServed: (host: string) => boolean
}

/** Health, metrics and the dashboards. Listens on an internal address alone, never on the public port. */
export function adminApp(
  { checkReady, renderMetrics, version, isServed }: AdminPorts,
  dashboards: readonly DashboardPorts[],
): Hono {
  const app = new Hono()
  app.use(async (context, next) => {
    if (!isServed(context.req.header('host') ?? '')) return context.json({ error: 'host_not_allowed' }, 403)
    await next()
    return undefined
  })
  app.get('/healthz', (context) => context.json({ status: 'ok', version }))
  app.get('/readyz', async (context) => {
    try {
      await checkReady()
      return context.json({ status: 'ready' })
    } catch (error) {
      return context.json({ status: 'not ready', reason: (error as Error).message }, 503)
    }
  })
  app.get('/metrics', async (context) => {
    const { type, text } = await renderMetrics()
    return context.body(text, 200, { 'Content-Type': type })
  })
  for (const dashboard of dashboards) app.route(dashboard.place.base || '/', dashboardApp(dashboard))
  app.notFound((context) =>
    context.json({ error: 'not_found', try: ['/', '/healthz', '/readyz', '/metrics'] }, 404),
  )
  return app
}
