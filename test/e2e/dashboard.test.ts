import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import type { Page } from 'playwright-core'
import { dashboardAccess } from '../../src/compose/dashboard/access.ts'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { loadConfig } from '../../src/config/load.ts'
import { configOfTenant } from '../../src/config/tenant.ts'
import { type DashboardVisitor, openDashboard } from '../support/dashboard-visitor.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'
import { byKeyboard, pageChecks } from '../support/page-checks.ts'
import { goodPassword } from '../support/people.ts'

/** Pictures for the documentation: written where SCREENSHOTS says, else thrown away with the test. */
const pictures = process.env['SCREENSHOTS'] ?? join(tmpdir(), 'portcullis-screenshots')
const listings = ['/users', '/clients', '/grants', '/sessions', '/keys']
const redirectUri = 'http://127.0.0.1:1/callback'
const upstreams = [{ name: 'files', path: '/mcp', url: 'http://127.0.0.1:9/mcp', breaker: { failures: 0 } }]
const tenants = [{ name: 'acme', upstreams }]

let installation: Installation
let operator: DashboardVisitor
let ofTenant: DashboardVisitor
let token: string
const clock = movableClock()
const { withPage, check } = pageChecks()
before(async () => {
  installation = await startInstallation({ clock, config: { login: { users: 'local' }, upstreams, tenants } })
  operator = await openDashboard(await installation.dashboardLink())
  ofTenant = await openDashboard(await tenantLink())
  const fill = { name: 'ada', password: goodPassword, repeated: goodPassword }
  await new FormBrowser({ fill }).visit(installation.setUpLink ?? '')
  await OAuthClient.register(installation.url, {
    client_name: 'Ledger',
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'client_secret_post',
  })
  token = await signIn()
  await call('tools/list')
  await call('prompts/list')
  clock.advance(30_000)
})
after(() => installation.close())

async function signIn(): Promise<string> {
  const browser = new FormBrowser({ fill: { name: 'ada', password: goodPassword } })
  const scope = 'mcp:tools:read'
  return (await new OAuthClient(installation.url).signIn({ scope }, browser)).access_token
}

/** As `portcullis dashboard --tenant` makes it. */
async function tenantLink(): Promise<string> {
  const whole = loadConfig({ base: { data: installation.data, tenants } })
  const config = configOfTenant(whole, whole.tenants[0] as (typeof whole.tenants)[number])
  const { store, secret } = await openConfiguredStore(config, clock)
  const access = dashboardAccess({ artifacts: store.artifacts, secret, clock })
  const link = `${installation.adminUrl}/t/acme/sign-in/${await access.createLinkToken('ada')}`
  await store.close()
  return link
}

async function call(method: string, name = 'pay'): Promise<void> {
  const response = await fetch(installation.mcpUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { name } }),
  })
  await response.arrayBuffer()
}

async function open(page: Page, path: string, { cookie } = operator): Promise<void> {
  const [name = '', value = ''] = cookie.split('=')
  await page.context().addCookies([{ name, value, url: installation.adminUrl }])
  await page.goto(installation.adminUrl + path)
}

/** Opens the question of the first row alone, so that both forms of it are on the page. */
async function openWithQuestion(page: Page, path: string): Promise<void> {
  await open(page, path)
  // Without a click, after which the Tab key would begin there.
  await page.evaluate("document.querySelector('details').open = true")
}

/** Does something to the row with this text. */
async function act(page: Page, action: string, text: string): Promise<void> {
  const row = page.getByRole('row').filter({ hasText: text }).first()
  await row.locator('summary').filter({ hasText: action }).click()
  await row.getByRole('button', { name: action }).click()
}

check('the dashboard at /', (page) => open(page, '/'))
for (const path of listings) check(`the dashboard at ${path}`, (page) => openWithQuestion(page, path))
check('what cannot be done', async (page) => {
  await open(page, '/users')
  await page.evaluate("document.querySelector('[name=id]').value = 'somebody who is gone'")
  await act(page, 'Disable', 'ada')
  await page.getByRole('alert').waitFor()
})
check('a secret that is shown once', async (page) => {
  await open(page, '/clients')
  await act(page, 'New secret', 'Ledger')
  await page.getByRole('status').waitFor()
})
check('the dashboard of a tenant', (page) => open(page, '/t/acme', ofTenant))
check('the page of a dashboard link', (page) => page.goto(`${installation.adminUrl}/sign-in/any`))
check('the dashboard without a session', (page) => page.goto(installation.adminUrl))

/** How many pixels of a chart have the colour that a variable of the style sheet stands for. */
const pixelsOf = (page: Page, chart: string, variable: string): Promise<number> =>
  page.evaluate<number>(`(() => {
    const canvas = document.querySelector('[data-chart=${chart}] canvas')
    const context = canvas.getContext('2d')
    const probe = new OffscreenCanvas(1, 1).getContext('2d')
    probe.fillStyle = resolved('${variable}')
    probe.fillRect(0, 0, 1, 1)
    const wanted = probe.getImageData(0, 0, 1, 1).data
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
    // Edges are mixed with what is behind them.
    const isLike = (at) => data[at + 3] > 200 && [0, 1, 2].every((part) => Math.abs(data[at + part] - wanted[part]) < 24)
    let count = 0
    for (let at = 0; at < data.length; at += 4) if (isLike(at)) count++
    return count
  })()`)

/** Waits for a line: a browser tells a page of other colours when it draws its next frame. */
async function drawn(page: Page, chart: string, variable: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    if ((await pixelsOf(page, chart, variable)) > 5) return
    await page.waitForTimeout(100)
  }
  assert.fail(`the chart of ${chart} has no ${variable}`)
}

it('draws charts, anew where the colours change, and of ten minutes', { timeout: 60_000 }, async () => {
  for (let times = 0; times < 5; times++) await call('tools/list')
  clock.advance(10_000)
  await withPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' }, async (page) => {
    await open(page, '/')
    await page.getByText('live', { exact: true }).waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      for (const [chart, line] of [
        ['traffic', '--accent'],
        ['latency', '--warn-line'],
      ] as const)
        await drawn(page, chart, line)
    }
    const [from, to] = await page.evaluate<number[]>(
      "[charts.get('traffic').scales.x.min, charts.get('traffic').scales.x.max]",
    )
    assert.equal(Number(to) - Number(from), 595)
  })
})

it('tells the lines of a chart apart where colours are forced', { timeout: 60_000 }, () =>
  withPage({ forcedColors: 'active' }, async (page) => {
    await open(page, '/')
    const colours = await page.evaluate<string[]>(
      "[...document.querySelectorAll('[data-chart=traffic] .u-marker')].map((mark) => getComputedStyle(mark).borderTopColor).filter(Boolean)",
    )
    assert.equal(new Set(colours.slice(-3)).size, 3, colours.join(' '))
  }),
)

it('leaves a table alone as long as it stays the same, whatever is in it', { timeout: 60_000 }, async () => {
  await call('prompts/get', 'the "pay" prompt')
  await withPage({}, async (page) => {
    await open(page, '/')
    await page.getByText('live', { exact: true }).waitFor()
    await page.evaluate("globalThis.row = document.querySelector('[data-table=recent] tbody tr')")
    await page.evaluate(
      "new Promise((resolve) => { let left = 2; stream.addEventListener('overview', () => { if (--left === 0) resolve() }) })",
    )
    assert.ok(await page.evaluate('row.isConnected'), 'what was selected in it still is')
  })
})

it('shows charts by the clock of the tables, wherever the browser is', { timeout: 60_000 }, async () => {
  const options = { viewport: { width: 1280, height: 900 }, timezoneId: 'America/New_York', locale: 'en-US' }
  await withPage(options, async (page) => {
    await open(page, '/')
    await page.getByText('live', { exact: true }).waitFor()
    const [labels, at, legend] = await page.evaluate<[string[][], number, string]>(`new Promise((resolve) => {
      const traffic = charts.get('traffic')
      traffic.setCursor({ left: 100, top: 10 })
      setTimeout(() => resolve([
        [...charts.values()].map((chart) => chart.axes[0]._values),
        traffic.data[0][traffic.cursor.idx],
        traffic.root.querySelector('.u-legend').textContent,
      ]), 100)
    })`)
    const writtenAt = (seconds: number): string => new Date(seconds * 1000).toISOString()
    assert.ok(legend.includes(writtenAt(at).slice(11, 19)), legend)
    // A label is that of a full minute near what is shown.
    const minutes = new Set(Array.from({ length: 21 }, (_, n) => writtenAt(at + (n - 10) * 60).slice(11, 16)))
    for (const shown of labels) {
      assert.ok(shown.length > 1)
      for (const label of shown) assert.ok(minutes.has(label), label)
    }
    assert.equal(await page.locator('figcaption').filter({ hasText: '(UTC)' }).count(), 2)
  })
})

it('breaks no word on a narrow screen, where tables scroll', { timeout: 60_000 }, async () => {
  await withPage({}, async (page) => {
    for (const path of ['/', ...listings]) {
      await open(page, path)
      const broken = await page.evaluate<string[]>(`(() => {
        const broken = []
        for (const cell of document.querySelectorAll('td, th')) {
          const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT)
          while (texts.nextNode()) {
            if (!texts.currentNode.parentElement.checkVisibility()) continue
            const { data } = texts.currentNode
            for (const { index, 0: word } of data.matchAll(/\\w{2,}/g)) {
              // What is too long for a column has to be broken: ids, URLs.
              if (/\\S*$/.exec(data.slice(0, index))[0].length + /^\\S*/.exec(data.slice(index))[0].length > 24) continue
              const range = document.createRange()
              range.setStart(texts.currentNode, index)
              range.setEnd(texts.currentNode, index + word.length)
              if (new Set([...range.getClientRects()].map(({ top }) => top)).size > 1) broken.push(word)
            }
          }
        }
        return broken
      })()`)
      assert.deepEqual(broken, [], path)
    }
  })
})

it('pauses, goes on, comes back after an interruption, and ends with the session', {
  timeout: 60_000,
}, async () => {
  const visitor = await openDashboard(await installation.dashboardLink())
  await withPage({}, async (page) => {
    const says = (text: string) => page.locator('[data-state]').getByText(text, { exact: true }).waitFor()
    const listed = () => page.getByRole('row', { name: /ping/ }).count()
    await open(page, '/', visitor)
    await says('live')
    const button = page.getByRole('button', { name: 'Pause' })
    await button.click()
    await says('paused')
    await call('ping')
    await page.waitForTimeout(1500)
    assert.equal(await listed(), 0)
    await button.click()
    await page.getByRole('row', { name: /ping/ }).first().waitFor()
    await button.click()
    await page.route('**/events', (route) => route.abort())
    await button.click()
    await says('connecting…')
    await page.unroute('**/events')
    await says('live')
    await visitor.post('/sign-out', {})
    await says('signed out: reload the page')
  })
})

it('shows 200 refusals for one scope within three seconds', { timeout: 60_000 }, async () => {
  await withPage({ viewport: { width: 1280, height: 900 } }, async (page) => {
    await open(page, '/')
    await page.getByText('live', { exact: true }).waitFor()
    for (let batch = 0; batch < 10; batch++)
      await Promise.all(Array.from({ length: 20 }, () => call('tools/call')))
    const planted = page.getByRole('row', { name: /mcp:tools:execute.* tools\/call 200 ada/ })
    await planted.waitFor({ timeout: 3000 })
    clock.advance(10_000)
    await page.waitForTimeout(1200)
    mkdirSync(pictures, { recursive: true })
    const take = (name: string) => page.screenshot({ path: join(pictures, `dashboard${name}.png`) })
    await take('')
    await page.emulateMedia({ colorScheme: 'dark' })
    await take('-dark')
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 1200, height: 420 })
    for (const path of listings) {
      await openWithQuestion(page, path)
      await take(path.replace('/', '-'))
    }
  })
})

it('can do everything by keyboard alone, without a script', { timeout: 60_000 }, async () => {
  await withPage({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } }, async (page) => {
    for (const [path, action, told] of [
      ['/clients', 'New secret', 'shown this once'],
      ['/clients', 'Remove', 'is removed'],
      ['/grants', 'Revoke', 'The grant is revoked.'],
      ['/sessions', 'Sign out', 'The session has ended.'],
      ['/keys', 'Rotate', 'is published'],
      ['/keys', 'Retire', 'has ended'],
      ['/users', 'Disable', 'is disabled'],
      ['/users', 'Enable', 'can log in again.'],
    ] as const) {
      await open(page, path)
      const row = page.locator('details').filter({ hasText: action }).first()
      await byKeyboard(page, row.locator('summary'))
      await byKeyboard(page, row.getByRole('button', { name: action }))
      await page.getByRole('status').getByText(told).waitFor()
    }
  })
})
