import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import type { Page } from 'playwright-core'
import { type DashboardVisitor, openDashboard } from '../support/dashboard-visitor.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { byKeyboard, pageChecks } from '../support/page-checks.ts'

/** Pictures for the documentation: written where SCREENSHOTS says, else thrown away with the test. */
const pictures = process.env['SCREENSHOTS'] ?? join(tmpdir(), 'portcullis-screenshots')

let installation: Installation
let operator: DashboardVisitor
let token: string
const { withPage, check } = pageChecks()
before(async () => {
  installation = await startInstallation()
  operator = await openDashboard(await installation.dashboardLink())
  const signedIn = await new OAuthClient(installation.url).signIn(
    { scope: 'mcp:tools:read' },
    new FormBrowser({ fill: { name: 'ada' } }),
  )
  token = signedIn.access_token
  await call('tools/list')
  await call('prompts/list')
})
after(() => installation.close())

async function call(method: string): Promise<void> {
  const response = await fetch(installation.mcpUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { name: 'pay' } }),
  })
  await response.arrayBuffer()
}

async function open(page: Page, path: string): Promise<void> {
  const [name = '', value = ''] = operator.cookie.split('=')
  await page.context().addCookies([{ name, value, url: installation.adminUrl }])
  await page.goto(installation.adminUrl + path)
}

for (const path of ['/', '/users', '/clients', '/grants', '/sessions', '/keys'])
  check(`the dashboard at ${path}`, (page) => open(page, path))
check('the page of a dashboard link', (page) => page.goto(`${installation.adminUrl}/sign-in/any`))
check('the dashboard without a session', (page) => page.goto(installation.adminUrl))

it('shows 200 refusals for one scope by itself', { timeout: 60_000 }, async () => {
  await withPage({ viewport: { width: 1280, height: 900 } }, async (page) => {
    await open(page, '/')
    await page.getByText('live', { exact: true }).waitFor()
    for (let batch = 0; batch < 10; batch++)
      await Promise.all(Array.from({ length: 20 }, () => call('tools/call')))
    const planted = page.getByRole('row', { name: /mcp:tools:execute.* tools\/call 200 ada/ })
    await planted.waitFor()
    mkdirSync(pictures, { recursive: true })
    await page.screenshot({ path: join(pictures, 'dashboard.png') })
  })
})

it('revokes a grant by keyboard alone, without a script', { timeout: 60_000 }, async () => {
  await withPage({ javaScriptEnabled: false }, async (page) => {
    await open(page, '/grants')
    await byKeyboard(page, page.locator('summary').first())
    await byKeyboard(page, page.getByRole('button', { name: /^Revoke/ }))
    await page.getByText('The grant is revoked.').waitFor()
  })
})
