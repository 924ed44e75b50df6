import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Browser, chromium, type Locator } from 'playwright-core'
import { type DemoInstallation, startDemoInstallation } from '../support/demo-installation.ts'
import { freePort } from '../support/installation.ts'
import { chromiumFlags, chromiumPath, clientModules } from '../support/tools.ts'

let installation: DemoInstallation
let browser: Browser
let inspector: ChildProcess
let page: string
before(async () => {
  const folder = join(await clientModules(), 'inspector-direct')
  const [client, proxy] = [await freePort(), await freePort()]
  inspector = spawn(process.execPath, [join(folder, 'cli/build/cli.js')], {
    env: {
      ...process.env,
      CLIENT_PORT: String(client),
      SERVER_PORT: String(proxy),
      DANGEROUSLY_OMIT_AUTH: 'true',
      MCP_AUTO_OPEN_ENABLED: 'false',
    },
    stdio: 'ignore',
    detached: true,
  })
  browser = await chromium.launch({ executablePath: await chromiumPath(), args: chromiumFlags })
  installation = await startDemoInstallation()
  const url = encodeURIComponent(installation.mcpUrl)
  page = `http://localhost:${client}/?transport=streamable-http&serverUrl=${url}&MCP_PROXY_PORT=${proxy}`
})
after(async () => {
  await browser.close()
  process.kill(-(inspector.pid as number))
  await installation.close()
})

describe('Inspector that connects from the browser itself (N19, A34)', () => {
  it('discovers, registers, signs in and connects across origins', { timeout: 120_000 }, async () => {
    const tab = await browser.newPage()
    await openWhenUp(() => tab.goto(page))
    await tab.getByLabel('Connection Type').click()
    await tab.getByRole('option', { name: 'Direct' }).click()
    const connected = tab.getByText('Connected', { exact: true })
    const buttons = ['Approve', 'Sign in', 'Connect'].map((name) =>
      tab.getByRole('button', { name, exact: true }),
    )
    // This Inspector may let a click pass, and may begin a second authorization while its page is on the way to the
    // first, and keep the PKCE verifier of the second; or it may connect by itself. A person presses what the page
    // shows until it is connected.
    for (let press = 0; press < 12; press++) {
      await buttons
        .reduce((any, button) => any.or(button), connected)
        .first()
        .waitFor()
      if (await connected.isVisible()) return
      const shown = await firstVisible(buttons)
      await shown?.click({ timeout: 3_000 }).catch(() => tab.waitForTimeout(500))
      await shown?.waitFor({ state: 'hidden', timeout: 3_000 }).catch(() => undefined)
    }
    await connected.waitFor()
  })
})

async function firstVisible(of: readonly Locator[]): Promise<Locator | undefined> {
  for (const locator of of) if (await locator.isVisible()) return locator
  return undefined
}

async function openWhenUp(open: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await open()
      return
    } catch (error) {
      if (attempt === 60) throw error
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
}
