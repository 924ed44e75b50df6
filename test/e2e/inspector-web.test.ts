import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core'
import { type DemoInstallation, startDemoInstallation } from '../support/demo-installation.ts'
import { freePort } from '../support/installation.ts'
import { chromiumFlags, chromiumPath, clientModules } from '../support/tools.ts'
import { until } from '../support/until.ts'

/** Pictures for the documentation: written where SCREENSHOTS says, else thrown away with the test. */
const pictures = process.env['SCREENSHOTS'] ?? join(tmpdir(), 'portcullis-screenshots')
const apiToken = 'token-of-the-test'

let installation: DemoInstallation
let browser: Browser
let launcher: string
before(async () => {
  await mkdir(pictures, { recursive: true })
  launcher = join(await clientModules(), '@modelcontextprotocol/inspector/clients/launcher/build/index.js')
  browser = await chromium.launch({ executablePath: await chromiumPath(), args: chromiumFlags })
  installation = await startDemoInstallation()
})
after(async () => {
  await browser.close()
  await installation.close()
})

for (const era of ['legacy', 'modern'] as const) {
  describe(`Inspector in a browser, ${era}`, () => {
    let inspector: Inspector
    let context: BrowserContext
    before(async () => {
      inspector = await startInspector(era)
      context = await browser.newContext({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 })
    })
    after(async () => {
      await context.close()
      process.kill(-(inspector.process.pid as number))
    })

    it('signs in, consents, steps up, and shows that 2 and 3 are 5', { timeout: 120_000 }, async () => {
      const page = await context.newPage()
      await page.goto(inspector.url)
      await page.getByText('gw', { exact: true }).first().waitFor()
      await connect(page, (timeout) => page.waitForURL(atGateway, { timeout }))
      await signIn(page, era)
      await waitUntilConnected(page)

      await callAdd(page)
      await press(page, page.getByRole('dialog').getByRole('button', { name: 'Authorize', exact: true }))
      await page.getByRole('heading', { name: 'New' }).waitFor()
      await approve(page)
      await waitUntilConnected(page)

      await callAdd(page)
      await page
        .getByText('"result": 5')
        .or(page.getByText('5', { exact: true }))
        .first()
        .waitFor()
      if (era === 'legacy') await page.screenshot({ path: join(pictures, 'inspector.png') })
    })

    it('shows the text of a resource and of a prompt', { timeout: 120_000 }, async () => {
      const page = await context.newPage()
      await page.goto(inspector.url)
      await connect(page, (timeout) => connected(page).waitFor({ timeout }))
      await openTab(page, 'Resources')
      await page.getByText('welcome.txt').first().waitFor()
      await openTab(page, 'Prompts')
      await page.getByText('security-review').or(page.getByText('Security review')).first().waitFor()
    })
  })
}

interface Inspector {
  readonly process: ChildProcess
  readonly url: string
}

async function startInspector(era: 'legacy' | 'modern'): Promise<Inspector> {
  const folder = await mkdtemp(join(tmpdir(), 'inspector-web-'))
  const catalog = join(folder, 'servers.json')
  const server = { type: 'http', url: installation.mcpUrl, protocolEra: era }
  await writeFile(catalog, JSON.stringify({ mcpServers: { gw: server } }))
  const port = await freePort()
  const program = spawn(process.execPath, [launcher, '--web', '--config', catalog], {
    env: {
      ...process.env,
      HOME: folder,
      HOST: '127.0.0.1',
      CLIENT_PORT: String(port),
      MCP_SANDBOX_PORT: String(await freePort()),
      MCP_INSPECTOR_API_TOKEN: apiToken,
      MCP_AUTO_OPEN_ENABLED: 'false',
      MCP_INSPECTOR_SECRET_STORE: 'file',
    },
    stdio: 'ignore',
    detached: true,
  })
  const url = `http://127.0.0.1:${port}/?MCP_INSPECTOR_API_TOKEN=${apiToken}`
  await until(async () => (await fetch(url).catch(() => undefined))?.ok === true, 'Inspector answers')
  return { process: program, url }
}

async function signIn(page: Page, era: 'legacy' | 'modern'): Promise<void> {
  const withPictures = era === 'legacy'
  await page.getByLabel('Name').waitFor()
  assert.equal(await page.getByLabel('Name').inputValue(), 'dev_user_123')
  if (withPictures) await page.screenshot({ path: join(pictures, 'login.png') })
  // To the server, Inspector is one client in both eras; somebody else has not let it do anything yet.
  if (era === 'modern') await page.getByLabel('Name').fill('ada')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Approve' }).waitFor()
  if (withPictures) await page.screenshot({ path: join(pictures, 'consent.png') })
  await approve(page)
}

async function approve(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Approve' }).click()
}

function atGateway(url: URL): boolean {
  return url.origin === installation.url
}

/** Presses the switch until it has an effect: one pressed as soon as the list is drawn can be lost in Inspector. */
async function connect(page: Page, arrive: (timeout: number) => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await press(page, page.getByRole('switch', { name: 'Connect or disconnect "gw"' }))
    try {
      return await arrive(10_000)
    } catch (cause) {
      if (attempt === 6)
        throw new Error(`Inspector does not connect: ${await page.innerText('body')}`, { cause })
    }
  }
}

async function waitUntilConnected(page: Page): Promise<void> {
  await connected(page).waitFor()
}

function connected(page: Page): Locator {
  return page.locator('[data-testid=connection-status][data-status=connected]').first()
}

async function callAdd(page: Page): Promise<void> {
  await openTab(page, 'Tools')
  await page
    .getByText('Add', { exact: true })
    .or(page.getByText('add', { exact: true }))
    .first()
    .click()
  await fill(page, 'a', '2')
  await fill(page, 'b', '3')
  await page.getByRole('button', { name: 'Execute Tool' }).click()
}

async function fill(page: Page, label: string, value: string): Promise<void> {
  await page
    .getByLabel(new RegExp(`^${label}\\b`))
    .first()
    .fill(value)
}

async function openTab(page: Page, name: string): Promise<void> {
  await page
    .locator('label')
    .filter({ hasText: new RegExp(`^${name}`) })
    .first()
    .click()
}

/** Clicks without waiting for animations to end. */
async function press(page: Page, target: Locator): Promise<void> {
  await target.first().dispatchEvent('click')
  await page.waitForTimeout(50)
}
