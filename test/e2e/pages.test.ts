import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import axe, { type AxeResults } from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { freePort, type Installation, startInstallation } from '../support/installation.ts'
import { type AuthorizationRequest, OAuthClient } from '../support/oauth.ts'
import { chromiumFlags, chromiumPath } from '../support/tools.ts'

const narrow = { width: 360, height: 740 }
const verifier = 'a'.repeat(43)

let installation: Installation
let client: OAuthClient
let suspicious: OAuthClient
let browser: Browser
/** Where clients wait for the answer. */
let callback: Server
before(async () => {
  callback = createServer((_req, res) => void res.end('You can close this page.')).listen(0, '127.0.0.1')
  await once(callback, 'listening')
  const { port } = callback.address() as AddressInfo
  installation = await startInstallation()
  client = await OAuthClient.register(installation.url, {
    client_name: 'Notes',
    redirect_uris: [`http://127.0.0.1:${port}/callback`],
  })
  suspicious = await OAuthClient.register(installation.url, {
    client_name: `Cl\u0430ude ${'withaverylongname'.repeat(5)}`,
    redirect_uris: [`https://xn--80ak6aa92e.${'long-label.'.repeat(8)}example/${'callback/'.repeat(12)}`],
  })
  browser = await chromium.launch({ executablePath: await chromiumPath(), args: chromiumFlags })
})
after(async () => {
  await browser.close()
  await installation.close()
  callback.close()
})

const go = (page: Page, path: string): Promise<unknown> => page.goto(installation.url + path)

const authorize = (page: Page, asked: AuthorizationRequest = {}, by = client): Promise<unknown> =>
  page.goto(by.authorizationUrl({ verifier, ...asked }))

async function signIn(page: Page, name = 'ada'): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

async function approve(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Approve' }).click()
  await page.waitForURL((url) => url.origin !== installation.url)
}

/** Each page that a person can meet, and the way to it: one line a page. */
const pages: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  'the front page': (page) => go(page, '/'),
  'the login': (page) => authorize(page),
  'the login after a mistake': (page) => authorize(page).then(() => signIn(page, 'a b')),
  'the consent': (page) => authorize(page, { scope: 'mcp:* openid' }).then(() => signIn(page)),
  'the consent with every warning': (page) => authorize(page, {}, suspicious).then(() => signIn(page)),
  'the consent to more': async (page) => {
    await authorize(page).then(() => signIn(page))
    await approve(page)
    await authorize(page, { scope: 'mcp:tools:read mcp:tools:execute' })
    await page.getByRole('heading', { name: 'New' }).waitFor()
  },
  'the account': async (page) => {
    await authorize(page, { scope: 'mcp:tools:read mcp:resources' }).then(() => signIn(page))
    await approve(page)
    await go(page, '/account')
    await page.getByRole('heading', { name: 'Notes' }).waitFor()
  },
  'the account without clients': async (page) => {
    await authorize(page).then(() => signIn(page, 'nobodys-friend'))
    await go(page, '/account')
    await page.getByText('No program may act for you').waitFor()
  },
  'a request that is refused': (page) =>
    authorize(page, { extra: { response_mode: 'form_post' } }, suspicious),
  'a client that is not known': (page) => authorize(page, {}, new OAuthClient(installation.url, 'unknown')),
  'an address that was not registered': (page) => authorize(page, { redirectUri: 'https://evil.example/cb' }),
  'a page that has expired': (page) => go(page, '/interaction/xxxxxxxxxxxxxxxxxxxxx'),
  'a page that is not there': (page) => go(page, '/nothing'),
}

/** Opens a page in a browser of its own, which closes when `use` is done. */
async function withPage(options: BrowserContextOptions, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ viewport: narrow, ...options })
  try {
    await use(await context.newPage())
  } finally {
    await context.close()
  }
}

for (const [name, reach] of Object.entries(pages)) {
  describe(name, { timeout: 60_000 }, () => {
    it('is free of faults that axe can find, light and dark', async () => {
      await withPage({ bypassCSP: true }, async (page) => {
        await reach(page)
        await page.addScriptTag({ content: axe.source })
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme })
          const { violations, passes } = await page.evaluate<AxeResults>('axe.run()')
          assert.deepEqual(
            violations.map(({ id, nodes }) => [colorScheme, id, nodes.map(({ html }) => html)]),
            [],
          )
          assert.ok(passes.some(({ id }) => id === 'color-contrast'))
        }
      })
    })

    it('works without scripts, fits 360 px, shows where the focus is, and breaks no rule of its own policy', async () => {
      await withPage({ javaScriptEnabled: false }, async (page) => {
        const complaints: string[] = []
        page.on('console', (message) => complaints.push(message.text()))
        await reach(page)
        const [width, room] = await page.evaluate<[number, number]>(
          '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
        )
        assert.ok(width <= room, `${width} px wide`)
        assert.deepEqual(
          complaints.filter((text) => !text.startsWith('Failed to load resource: the server responded')),
          [],
        )
        assert.notEqual(
          await page.evaluate('getComputedStyle(document.body).backgroundColor'),
          'rgba(0, 0, 0, 0)',
        )
        for (const control of await page.locator('a, button, input:not([type=hidden])').all()) {
          await page.keyboard.press('Tab')
          assert.ok(await control.evaluate((element) => element.matches(':focus-visible')))
          assert.equal(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'solid')
        }
      })
    })
  })
}

describe('a person with a keyboard alone and no scripts', { timeout: 60_000 }, () => {
  it('gets through login and consent to the client, at 360 px in the dark', async () => {
    await withPage({ javaScriptEnabled: false, colorScheme: 'dark' }, async (page) => {
      await authorize(page)
      await tabTo(page, page.getByLabel('Name'))
      await page.keyboard.press('Control+A')
      await page.keyboard.type('grace')
      await page.keyboard.press('Enter')
      await page.getByText('You are grace').waitFor()
      await tabTo(page, page.getByRole('button', { name: 'Approve' }))
      await page.keyboard.press('Enter')
      await page.waitForURL(/\/callback\?/)
      assert.ok(new URL(page.url()).searchParams.get('code'))
    })
  })

  it('can say no, and can take back a yes', async () => {
    await withPage({ javaScriptEnabled: false }, async (page) => {
      await authorize(page).then(() => signIn(page, 'hopper'))
      await approve(page)
      await authorize(page)
      await tabTo(page, page.getByRole('button', { name: 'Deny' }))
      await page.keyboard.press('Enter')
      await page.waitForURL(/error=access_denied/)
      await go(page, '/account')
      await tabTo(page, page.getByRole('button', { name: 'Revoke the access of Notes' }))
      await page.keyboard.press('Enter')
      await page.getByText('No program may act for you').waitFor()
    })
  })
})

describe('a client that is called by a scheme of its own (N17)', { timeout: 60_000 }, () => {
  it('is called: the policy of the consent page lets Chromium follow the answer out of the web', async (test) => {
    const gate = await startBehindProxy(test, (location) =>
      location.replace(/^https:\/\/editor\.example\//, 'cursor://host/'),
    )
    const editor = await OAuthClient.register(gate.url, {
      redirect_uris: ['https://editor.example/callback'],
    })
    await withPage({ javaScriptEnabled: false }, async (page) => {
      const devtools = await page.context().newCDPSession(page)
      await devtools.send('Network.enable')
      const called = new Promise<string>((resolve, reject) => {
        devtools.on('Network.requestWillBeSent', ({ request: { url } }) => {
          if (url.startsWith('cursor:')) resolve(url)
        })
        devtools.on('Network.loadingFailed', () =>
          setTimeout(reject, 1000, new Error('Chromium went nowhere')),
        )
      })
      await authorize(page, {}, editor).then(() => signIn(page))
      await page.getByRole('button', { name: 'Approve' }).click({ noWaitAfter: true })
      const url = new URL(await called)
      assert.ok(url.searchParams.get('code'))
      assert.equal(url.searchParams.get('iss'), gate.url)
    })
  })
})

/** Starts an installation behind a proxy that writes the addresses of redirects anew. */
async function startBehindProxy(
  test: TestContext,
  rewrite: (location: string) => string,
): Promise<Installation> {
  const listen = { gateway: await freePort() }
  const proxy = createServer((req, res) => {
    const { url: path, method, headers } = req
    const onward = request({ port: listen.gateway, path, method, headers }, (answer) => {
      const { location, ...others } = answer.headers
      res.writeHead(answer.statusCode ?? 502, { ...others, ...(location && { location: rewrite(location) }) })
      answer.pipe(res)
    })
    req.pipe(onward)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const publicUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const gate = await startInstallation({ config: { publicUrl, listen } })
  test.after(async () => {
    await gate.close()
    proxy.close()
  })
  return gate
}

/** Presses Tab until something has the focus. */
async function tabTo(page: Page, target: ReturnType<Page['locator']>): Promise<void> {
  await target.waitFor()
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press('Tab')
    if (await target.evaluate((element) => element.matches(':focus'))) return
  }
  assert.fail('the Tab key does not lead there')
}
