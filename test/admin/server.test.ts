import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Listing } from '../../src/admin/contract.ts'
import type { DashboardPorts } from '../../src/admin/dashboard.ts'
import { adminApp } from '../../src/admin/server.ts'
import { sessionOf } from '../../src/admin/session-cookie.ts'

const fault = async (): Promise<never> => {
  throw new Error('planted: password=hunter2')
}
const faults: unknown[] = []
const onFault = (error: unknown) => void faults.push(error)
const ports = {
  checkReady: async () => undefined,
  renderMetrics: async () => ({ type: 'text/plain', text: 'portcullis_build_info 1' }),
  version: '0',
  metricsToken: undefined as string | undefined,
  onFault,
  isServed: () => true,
}
const dashboard: DashboardPorts = {
  place: { tenant: undefined, base: '' },
  access: {
    createLinkToken: fault,
    enter: fault,
    operatorOf: async () => 'ada',
    leave: fault,
    deny: () => undefined,
    formToken: () => 'form',
    prove: () => '',
  },
  overview: fault,
  listings: [{ title: 'Broken', path: '/broken', about: '', columns: [], rows: fault, actions: {} }],
  isEnding: () => false,
  onFault,
}

describe('the admin port (A73)', () => {
  it('tells of a fault nothing but that there was one, and the log all of it', async () => {
    const app = adminApp({ ...ports, checkReady: fault, renderMetrics: fault }, [dashboard])
    for (const [path, status, method] of [
      ['/readyz', 503],
      ['/metrics', 500],
      ['/', 500],
      ['/events', 200],
      ['/broken', 500],
      ['/sign-in/any', 500, 'POST'],
    ] as const) {
      const before = faults.length
      const answer = await app.request(path, { ...(method && { method }) })
      assert.equal(answer.status, status, path)
      assert.doesNotMatch(await answer.text(), /\bat \S+ ?\(|\.ts:\d|node_modules|hunter2/, path)
      if (path !== '/readyz') assert.match(String(faults[before]), /planted/, path)
    }
  })

  it('names the setting that has an unknown host or a missing token refused', async () => {
    const closed = adminApp({ ...ports, isServed: () => false }, [])
    const answer = await closed.request('/metrics')
    assert.deepEqual(
      [answer.status, await answer.json()],
      [403, { error: 'host_not_allowed', setting: 'listen.adminNames' }],
    )
    const locked = adminApp({ ...ports, metricsToken: 'x'.repeat(32) }, [])
    const { status, headers } = await locked.request('/metrics')
    assert.deepEqual([status, headers.get('www-authenticate')], [401, 'Bearer realm="metrics"'])
  })

  it('looks at nothing any more for who has left', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    let looks = 0
    const operatorOf = async (): Promise<string> => `ada ${++looks}`
    const overview = async () => ({ points: [], tables: {} })
    const access = { ...dashboard.access, operatorOf }
    const app = adminApp(ports, [{ ...dashboard, access, overview }])
    const { body } = await app.request('/events')
    const reader = body?.getReader()
    assert.match(Buffer.from((await reader?.read())?.value as Uint8Array).toString(), /^event: overview$/m)
    const seen = looks
    const next = async (): Promise<void> => {
      test.mock.timers.tick(1000)
      await setImmediate()
    }
    await next()
    assert.equal(looks, seen + 1)
    await reader?.cancel()
    await next()
    assert.equal(looks, seen + 1)
  })

  it('takes no form that is larger than one of its own', async () => {
    const app = adminApp(ports, [dashboard])
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = `csrf=form&id=${'x'.repeat(5000)}`
    const before = faults.length
    for (const length of [{}, { 'content-length': String(body.length) }]) {
      const sent = { method: 'POST', headers: { ...headers, ...length }, body }
      assert.equal((await app.request('/sign-out', sent)).status, 413)
    }
    assert.equal(faults.length, before, 'which is no fault')
  })

  it('tells of a fault in an action no more than of any other', async () => {
    const rows = async () => ({ rows: [], total: 0 })
    const actions = { break: { label: 'Break', confirm: '', act: fault } }
    const listings = dashboard.listings.map((listing) => ({ ...listing, rows, actions }))
    const body = new URLSearchParams({ csrf: 'form', id: 'x' })
    const app = adminApp(ports, [{ ...dashboard, listings: listings as unknown as Listing[] }])
    const answer = await app.request('/broken/break', { method: 'POST', body })
    assert.equal(answer.status, 500)
    assert.doesNotMatch(await answer.text(), /planted/)
  })

  it('knows a session by its cookie among others', () => {
    const { place } = dashboard
    assert.equal(
      sessionOf(place, { cookie: 'theme=dark; portcullis_dashboard=mine; x=y', host: undefined }),
      'mine',
    )
    assert.equal(sessionOf(place, { cookie: 'portcullis_dashboard_acme=theirs', host: undefined }), '')
  })

  it('gives metrics to who shows the token, where there is one', async () => {
    const metricsToken = 'x'.repeat(32)
    const app = adminApp({ ...ports, metricsToken }, [])
    const status = async (authorization?: string): Promise<number> =>
      (await app.request('/metrics', { headers: authorization === undefined ? {} : { authorization } }))
        .status
    for (const wrong of [
      undefined,
      `Bearer ${'y'.repeat(32)}`,
      `Basic ${metricsToken}`,
      `Basic Bearer ${metricsToken}`,
      `Bearer ${metricsToken} x`,
    ])
      assert.equal(await status(wrong), 401, wrong ?? 'none')
    assert.equal(await status(`Bearer ${metricsToken}`), 200)
    assert.equal(
      await status(`bearer ${metricsToken}`),
      200,
      'a scheme is of either case (RFC 9110 section 11.1)',
    )
    assert.equal((await app.request('/healthz')).status, 200, 'probes have none')
  })
})
