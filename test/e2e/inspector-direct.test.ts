import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Browser, chromium } from 'playwright-core'
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
    await tab.getByRole('button', { name: 'Connect', exact: true }).click()
    await tab.getByRole('button', { name: 'Sign in' }).click()
    await tab.getByRole('button', { name: 'Approve' }).click()
    await tab.waitForURL((url) => url.port === new URL(page).port)
    await tab.getByRole('button', { name: 'Connect', exact: true }).click()
    await tab.getByText('Connected', { exact: true }).waitFor()
  })
})

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
