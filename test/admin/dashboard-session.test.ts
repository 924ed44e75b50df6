import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { dashboardSessionSeconds } from '../../src/admin/access-contract.ts'
import { sessionCookie } from '../../src/admin/session-cookie.ts'
import { openDashboard } from '../support/dashboard-visitor.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'

describe('a session of the dashboard (A73)', { timeout: 30_000 }, () => {
  let clock: MovableClock
  let installation: Installation
  before(async () => {
    clock = movableClock()
    installation = await startInstallation({ clock })
  })
  after(() => installation.close())

  it('is known to no script, and comes with no request of another site', async () => {
    const link = await installation.dashboardLink()
    const { headers } = await fetch(link, { method: 'POST', redirect: 'manual' })
    assert.match(headers.get('set-cookie') ?? '', /; HttpOnly; SameSite=Strict; /)
  })

  it('loads only files that a browser takes for what they are', async () => {
    const visitor = await openDashboard(await installation.dashboardLink())
    const page = await (await visitor.get('/')).text()
    const files = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
    assert.ok(files.length > 3)
    for (const path of files)
      assert.equal((await visitor.get(path)).headers.get('x-content-type-options'), 'nosniff', path)
  })

  it('ends the stream of events when it is over', async () => {
    const visitor = await openDashboard(await installation.dashboardLink())
    const events = await visitor.get('/events')
    assert.equal(events.status, 200)
    await visitor.post('/sign-out', {})
    assert.match(await events.text(), /^event: overview/)
    assert.equal((await visitor.get('/events')).status, 401)
  })

  it('makes the browser forget its pages when it ends', async () => {
    const visitor = await openDashboard(await installation.dashboardLink())
    const { headers } = await visitor.post('/sign-out', {})
    assert.equal(headers.get('clear-site-data'), '"cache"')
  })

  it('has no address that leads nowhere when it is opened again, as by a browser that restores its tabs', async () => {
    const visitor = await openDashboard(await installation.dashboardLink())
    for (const [from, to] of [
      ['/sign-out', '/'],
      ['/clients/block?q=a+b&page=2', '/clients?q=a+b&page=2'],
      ['/keys/rotate', '/keys'],
    ] as const) {
      const { status, url } = await visitor.get(from)
      assert.deepEqual([status, url], [200, installation.adminUrl + to])
    }
  })

  it('is over after eight hours, whether or not anybody has tidied up', async () => {
    const visitor = await openDashboard(await installation.dashboardLink())
    clock.advance((dashboardSessionSeconds - 60) * 1000)
    assert.equal((await visitor.get('/')).status, 200)
    clock.advance(61_000)
    assert.equal((await visitor.get('/')).status, 401)
  })
})

it('a session has a cookie of its own for each dashboard, which ends with it', () => {
  const acme = { tenant: 'acme', base: '/t/acme' }
  const attributes = 'HttpOnly; SameSite=Strict; Max-Age='
  assert.equal(
    sessionCookie(acme, 'localhost:3005', 'a-session'),
    `portcullis_dashboard-3005_acme=a-session; Path=/t/acme; ${attributes}28800`,
  )
  assert.equal(
    sessionCookie({ tenant: undefined, base: '' }, 'localhost', undefined),
    `portcullis_dashboard=; Path=/; ${attributes}0`,
  )
})
