import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { type AuthorizationRequest, OAuthClient } from '../support/oauth.ts'
import { awaitAnswers, byKeyboard, pageChecks } from '../support/page-checks.ts'

const verifier = 'a'.repeat(43)

let installation: Installation
let documents: DocumentHost
let client: OAuthClient
let suspicious: OAuthClient
let described: OAuthClient
const redirectUri = awaitAnswers()
const { withPage, check } = pageChecks()
before(async () => {
  documents = await startDocumentHost()
  installation = await startInstallation()
  client = await OAuthClient.register(installation.url, {
    client_name: 'Notes',
    redirect_uris: [redirectUri()],
  })
  suspicious = await OAuthClient.register(installation.url, {
    client_name: `Cl\u0430ude ${'withaverylongname'.repeat(5)}`,
    redirect_uris: [`https://xn--80ak6aa92e.${'long-label.'.repeat(8)}example/${'callback/'.repeat(12)}`],
  })
  const id = documents.publish('/client.json', { redirect_uris: [redirectUri()] })
  described = new OAuthClient(installation.url, id, redirectUri())
})
after(async () => {
  await installation.close()
  await documents.close()
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

const refused = (page: Page, title: string): Promise<void> =>
  page.getByRole('heading', { name: title }).waitFor()

/** Each page that a person can meet, and the way to it: one line a page. */
const pages: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  'the front page': (page) => go(page, '/'),
  'the login': (page) => authorize(page),
  'the login after a mistake': (page) => authorize(page).then(() => signIn(page, 'a b')),
  'the consent': (page) => authorize(page, { scope: 'mcp:* openid' }).then(() => signIn(page)),
  'the consent with every warning': (page) => authorize(page, {}, suspicious).then(() => signIn(page)),
  'the consent for a client with a metadata document': async (page) => {
    await authorize(page, {}, described).then(() => signIn(page))
    await page.getByText('Its description comes from').waitFor()
  },
  'the consent to more': async (page) => {
    await authorize(page).then(() => signIn(page))
    await approve(page)
    await authorize(page, { scope: 'mcp:tools:read mcp:tools:execute' })
    await page.getByRole('heading', { name: 'New' }).waitFor()
    await page.getByRole('heading', { name: 'Allowed before' }).waitFor()
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
    await page.getByText('No program can act for you').waitFor()
  },
  'a request that is refused': (page) =>
    authorize(page, { extra: { response_mode: 'form_post' } }, suspicious),
  'a client that is not known': (page) => authorize(page, {}, new OAuthClient(installation.url, 'unknown')),
  'a metadata document that is not there': async (page) => {
    await authorize(page, {}, new OAuthClient(installation.url, documents.url('/nothing'), redirectUri()))
    await refused(page, 'This program does not say who it is')
  },
  'a metadata document that goes away': async (page) => {
    const leaving = await startDocumentHost()
    const id = leaving.publish('/client.json', { redirect_uris: [redirectUri()] })
    await authorize(page, {}, new OAuthClient(installation.url, id, redirectUri()))
    await leaving.close()
    await installation.restart()
    await page.reload()
    await refused(page, 'This program cannot be looked up')
  },
  'an address that was not registered': (page) => authorize(page, { redirectUri: 'https://evil.example/cb' }),
  'a page that has expired': (page) => go(page, '/interaction/xxxxxxxxxxxxxxxxxxxxx'),
  'a page that is not there': (page) => go(page, '/nothing'),
}

for (const [name, reach] of Object.entries(pages)) check(name, reach)

describe('names that are written from right to left', { timeout: 60_000 }, () => {
  it('do not change places in a sentence', () =>
    withPage({ viewport: { width: 900, height: 740 } }, async (page) => {
      const hebrew = await OAuthClient.register(installation.url, {
        client_name: '\u05e9\u05dc\u05d5\u05dd',
        redirect_uris: [redirectUri()],
      })
      await authorize(page, {}, hebrew).then(() => signIn(page, '\u05d3\u05df'))
      const names = page.locator('p', { hasText: 'You are signed in as' }).locator('strong')
      assert.deepEqual(await names.allTextContents(), ['\u05d3\u05df', '\u05e9\u05dc\u05d5\u05dd', 'test'])
      const [user, program] = await Promise.all([names.nth(0).boundingBox(), names.nth(1).boundingBox()])
      assert.equal(user?.y, program?.y, 'both are on one line')
      assert.ok(Number(user?.x) < Number(program?.x), 'the user comes first, as it is read out')
    }))
})

describe('the address that an answer goes to', { timeout: 60_000 }, () => {
  it('is not broken at a hyphen if it fits into a line (A49)', () =>
    withPage({}, async (page) => {
      const hyphens = await OAuthClient.register(installation.url, {
        redirect_uris: ['https://claude-ai.evil.example/cb'],
      })
      await authorize(page, {}, hyphens).then(() => signIn(page))
      const host = page.getByText('Your answer goes to').getByText('claude-ai.evil.example', { exact: true })
      await host.waitFor()
      const height = (await host.boundingBox())?.height
      const line = await page.evaluate<number>(
        "Number.parseFloat(getComputedStyle(document.querySelector('.host strong')).lineHeight)",
      )
      assert.ok(Number(height) < 1.5 * line, `${height} px high, in lines of ${line} px`)
    }))
})

describe('a person with a keyboard alone and no scripts', { timeout: 60_000 }, () => {
  it('gets through login and consent to the client, at 360 px in the dark', async () => {
    await withPage({ javaScriptEnabled: false, colorScheme: 'dark' }, async (page) => {
      await authorize(page)
      await byKeyboard(page, page.getByLabel('Name'), 'grace')
      await page.keyboard.press('Enter')
      await page.getByText('You are signed in as grace').waitFor()
      await byKeyboard(page, page.getByRole('button', { name: 'Approve' }))
      await page.waitForURL(/\/callback\?/)
      assert.ok(new URL(page.url()).searchParams.get('code'))
    })
  })

  it('can say no, and can take back a yes', async () => {
    await withPage({ javaScriptEnabled: false }, async (page) => {
      await authorize(page).then(() => signIn(page, 'hopper'))
      await approve(page)
      await authorize(page)
      await byKeyboard(page, page.getByRole('button', { name: 'Deny' }))
      await page.waitForURL(/error=access_denied/)
      await go(page, '/account')
      await byKeyboard(page, page.locator('summary', { hasText: 'the access of Notes' }))
      await byKeyboard(page, page.getByRole('button', { name: 'Revoke the access of Notes' }))
      await page.getByText('No program can act for you').waitFor()
    })
  })
})

describe('a double click', { timeout: 60_000 }, () => {
  it('sends a form once, as does the Enter key: the answer to the first is the one that counts', () =>
    withPage({}, async (page) => {
      const sent: string[] = []
      page.on('request', (request) => {
        if (request.method() === 'POST') sent.push(new URL(request.url()).pathname.split('/').at(-1) ?? '')
      })
      await authorize(page)
      await page.getByLabel('Name').focus()
      for (let press = 0; press < 2; press++) await page.keyboard.press('Enter', { delay: 0 })
      const button = page.getByRole('button', { name: 'Approve' })
      await button.waitFor()
      await button.click({ clickCount: 2 })
      await page.waitForURL(/\/callback\?/)
      assert.deepEqual(sent, ['login', 'consent'])
    }))

  it('does not keep a form whose answer leaves the page from being sent again, three seconds later', () =>
    withPage({}, async (page) => {
      let posts = 0
      await page.route('**/login', (route) => {
        posts++
        return route.fulfill({ status: 204 })
      })
      await authorize(page)
      await page.getByLabel('Name').focus()
      const sent = page.waitForResponse('**/login')
      await page.keyboard.press('Enter')
      await sent
      await page.keyboard.press('Enter')
      await page.waitForTimeout(3100)
      assert.equal(posts, 1)
      await Promise.all([page.waitForResponse('**/login'), page.keyboard.press('Enter')])
      assert.equal(posts, 2)
    }))

  it('that began on the page before presses no button on the page that has come since', () =>
    withPage({}, async (page) => {
      await authorize(page).then(() => signIn(page))
      const button = page.getByRole('button', { name: 'Approve' })
      await button.hover()
      const posts: string[] = []
      page.on('request', (request) => posts.push(request.method()))
      await page.mouse.down({ clickCount: 2 })
      await page.mouse.up({ clickCount: 2 })
      assert.equal(await page.evaluate('document.activeElement.value'), 'approve', 'it was clicked')
      assert.deepEqual(posts, [])
      await button.click()
      await page.waitForURL(/\/callback\?/)
    }))
})

describe('a client that is called by a scheme of its own (N17)', { timeout: 60_000 }, () => {
  it('is called: the policy of the consent page lets Chromium follow the answer out of the web', async () => {
    const editor = await OAuthClient.register(installation.url, {
      redirect_uris: ['cursor://anysphere.cursor-mcp/oauth/callback'],
    })
    await withPage({ javaScriptEnabled: false }, async (page) => {
      const devtools = await page.context().newCDPSession(page)
      await devtools.send('Network.enable')
      const called = new Promise<string>((resolve, reject) => {
        devtools.on('Network.requestWillBeSent', ({ request: { url } }) => {
          if (url.startsWith('cursor:')) resolve(url)
        })
        // A picture or a style sheet fails where its page is left before it has come.
        devtools.on('Network.loadingFailed', ({ type }) => {
          if (type === 'Document') reject(new Error('Chromium went nowhere'))
        })
      })
      await authorize(page, {}, editor).then(() => signIn(page))
      await page.getByRole('button', { name: 'Approve' }).click({ noWaitAfter: true })
      const url = new URL(await called)
      assert.equal(url.host + url.pathname, 'anysphere.cursor-mcp/oauth/callback')
      assert.ok(url.searchParams.get('code'))
      assert.equal(url.searchParams.get('iss'), installation.url)
    })
  })
})
