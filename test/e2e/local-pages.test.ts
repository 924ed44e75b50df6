import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import type { People } from '../../src/identity/people.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { awaitAnswers, byKeyboard, pageChecks } from '../support/page-checks.ts'
import { goodPassword, openPeople } from '../support/people.ts'

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const deviceName = `The television ${'withaverylongname'.repeat(4)}`

let installation: Installation
let people: People & { close: () => Promise<void> }
let client: OAuthClient
const redirectUri = awaitAnswers()
const { withPage, check } = pageChecks()
before(async () => {
  installation = await startInstallation({
    host: 'localhost',
    config: {
      login: { users: 'local' },
      grants: { deviceCode: 'on' },
      clients: [{ id: 'television', name: deviceName, grantTypes: [deviceCode, 'refresh_token'] }],
    },
  })
  client = await OAuthClient.register(installation.url, {
    client_name: 'Notes',
    redirect_uris: [redirectUri()],
  })
  people = await openPeople(installation)
})
after(async () => {
  await people.close()
  await installation.close()
})

const go = (page: Page, path: string): Promise<unknown> => page.goto(installation.url + path)

const title = (page: Page, text: string): Promise<void> => page.getByRole('heading', { name: text }).waitFor()

const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click()

let made = 0
/** Makes a user and signs them in at the login that the page shows. */
async function signIn(page: Page, password = goodPassword): Promise<void> {
  made += 1
  await people.add({ name: `ada${made}`, displayName: 'Ada Lovelace', password: goodPassword })
  await page.getByLabel('Name').fill(`ada${made}`)
  await page.getByLabel('Password').fill(password)
  await press(page, 'Sign in')
}

async function invitation(): Promise<string> {
  made += 1
  return `/setup/${await people.invite(`grace${made}`, 'Grace Hopper')}`
}

async function setUp(page: Page, link: string, repeated = goodPassword): Promise<void> {
  await go(page, link)
  await page.getByLabel('Password', { exact: true }).fill(goodPassword)
  await page.getByLabel('Repeat the password').fill(repeated)
  await press(page, 'Set the password')
}

/** Begins a device's request. Returns the code for the person. */
async function userCode(): Promise<string> {
  const scope = `mcp:tools:read mcp:tools:execute:${'a_tool_with_quite_a_long_name_'.repeat(3)}`
  const { body } = await client.token({ client_id: 'television', scope }, { path: '/device_authorization' })
  return String(body['user_code'])
}

async function enterCode(page: Page, code: string): Promise<void> {
  await go(page, '/device')
  await page.getByLabel('Code').fill(code)
  await press(page, 'Continue')
}

async function confirmCode(page: Page): Promise<void> {
  await enterCode(page, await userCode())
  await title(page, 'Is this your device?')
}

async function deviceConsent(page: Page): Promise<void> {
  await confirmCode(page)
  await press(page, 'Continue')
  await signIn(page)
  await page.getByText('Approve only if you started this yourself').waitFor()
  await page.getByRole('button', { name: 'Approve' }).waitFor()
}

/** Each page of who is kept here and of who has a device, and the way to it: one line a page. */
const pages: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  'the login with a password': (page) => go(page, '/login'),
  'the login with a password for a client': (page) =>
    page.goto(client.authorizationUrl({ verifier: 'a'.repeat(43) })),
  'the login after a wrong password': async (page) => {
    await go(page, '/login')
    await signIn(page, 'not my password')
    await page.getByRole('alert').and(page.locator(':visible')).waitFor()
  },
  'the account of a local user': async (page) => {
    await go(page, '/login').then(() => signIn(page))
    await title(page, 'Your account')
  },
  'the logout': async (page) => {
    await go(page, '/login').then(() => signIn(page))
    await title(page, 'Your account')
    await go(page, '/logout')
    await title(page, 'Sign out?')
  },
  'the logout of nobody': (page) => go(page, '/logout'),
  'a set-up link': async (page) => {
    await go(page, await invitation())
    await title(page, 'Welcome, grace')
  },
  'a set-up link after a mistake': async (page) => {
    await setUp(page, await invitation(), 'something else altogether')
    await page.getByText('The two passwords are not the same').waitFor()
  },
  'a set-up link that is used up': async (page) => {
    const link = await invitation()
    await setUp(page, link)
    await title(page, 'Your passkeys')
    await go(page, link)
    await title(page, 'This link no longer works')
  },
  'the set-up link of the first user': async (page) => {
    const fresh = await startInstallation({ config: { login: { users: 'local' } } })
    await page.goto(fresh.setUpLink ?? '')
    await title(page, 'Create the first user')
    await fresh.close()
  },
  'the passkeys': async (page) => {
    await go(page, '/login?next=/account/passkeys').then(() => signIn(page))
    await title(page, 'Your passkeys')
  },
  'the code of a device': (page) => go(page, '/device'),
  'a code that is wrong': async (page) => {
    await enterCode(page, 'BBBB-BBBB')
    await page.getByRole('alert').waitFor()
  },
  'too many wrong codes': async (page) => {
    const fresh = await startInstallation({ config: { grants: { deviceCode: 'on' } } })
    await page.goto(`${fresh.url}/device`)
    for (let attempt = 0; attempt < 11; attempt++) {
      await page.getByLabel('Code').fill('BBBB-BBBB')
      await press(page, 'Continue')
    }
    await title(page, 'Too many wrong codes')
    await fresh.close()
  },
  'the confirmation of a device': confirmCode,
  'the consent for a device': deviceConsent,
  'a device that is connected': async (page) => {
    await deviceConsent(page)
    await press(page, 'Approve')
    await title(page, 'Connected')
  },
  'a device that is refused': async (page) => {
    await deviceConsent(page)
    await press(page, 'Deny')
    await title(page, 'Not connected')
  },
  'a device that is not mine': async (page) => {
    await confirmCode(page)
    await press(page, 'Cancel')
    await title(page, 'Not connected')
  },
}

for (const [name, reach] of Object.entries(pages)) check(name, reach)

describe('a local user with a keyboard alone and no scripts', { timeout: 60_000 }, () => {
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
  const signInByKeyboard = async (page: Page): Promise<void> => {
    made += 1
    await people.add({ name: `ada${made}`, displayName: 'Ada Lovelace', password: goodPassword })
    await byKeyboard(page, page.getByLabel('Name'), `ada${made}`)
    await byKeyboard(page, page.getByLabel('Password'), goodPassword)
    await byKeyboard(page, button(page, 'Sign in'))
    await page.getByText('You are signed in as Ada Lovelace').waitFor()
  }

  it('gets through login and consent to the client', async () => {
    await withPage({ javaScriptEnabled: false }, async (page) => {
      await page.goto(client.authorizationUrl({ verifier: 'a'.repeat(43) }))
      await signInByKeyboard(page)
      await byKeyboard(page, button(page, 'Approve'))
      await page.waitForURL(/\/callback\?/)
      assert.ok(new URL(page.url()).searchParams.get('code'))
    })
  })

  it('lets a device in: code, confirmation, login, consent', async () => {
    await withPage({ javaScriptEnabled: false }, async (page) => {
      await go(page, '/device')
      await byKeyboard(page, page.getByLabel('Code'), await userCode())
      await page.keyboard.press('Enter')
      await title(page, 'Is this your device?')
      await byKeyboard(page, button(page, 'Continue'))
      await signInByKeyboard(page)
      await byKeyboard(page, button(page, 'Approve'))
      await title(page, 'Connected')
    })
  })
})
