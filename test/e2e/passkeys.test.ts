import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core'
import type { People } from '../../src/identity/people.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { goodPassword, openPeople } from '../support/people.ts'
import { chromiumFlags, chromiumPath } from '../support/tools.ts'
import { csrfOf, Visitor } from '../support/visitor.ts'

let installation: Installation
let people: People & { close: () => Promise<void> }
let browser: Browser
before(async () => {
  installation = await startInstallation({ host: 'localhost', config: { login: { users: 'local' } } })
  people = await openPeople(installation)
  browser = await chromium.launch({ executablePath: await chromiumPath(), args: chromiumFlags })
})
after(async () => {
  await browser.close()
  await people.close()
  await installation.close()
})

interface Device {
  readonly context: BrowserContext
  readonly page: Page
  readonly cdp: CDPSession
  readonly authenticatorId: string
}

/** A browser with an authenticator that answers by itself. */
async function newDevice(options: { isUserVerified?: boolean } = {}): Promise<Device> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: options.isUserVerified ?? true,
      automaticPresenceSimulation: true,
    },
  })
  return { context, page, cdp, authenticatorId }
}

const passkeysUrl = (): string => `${installation.url}/account/passkeys`
const passkeyButton = (page: Page) => page.getByRole('button', { name: 'Sign in with a passkey' })

/** Signs in with the password and adds a passkey. */
async function register({ page }: Device, name: string): Promise<void> {
  await page.goto(passkeysUrl())
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(goodPassword)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByLabel('Passkey name').fill('My laptop')
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByText('My laptop').first().waitFor()
}

async function signOut({ page }: Device): Promise<void> {
  await page.goto(`${installation.url}/logout`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You are signed out').first().waitFor()
}

/** The credential that the page would send, without sending it; or what a page of somebody else would make of it. */
async function capture(
  { page }: Device,
  changes: object = {},
): Promise<{ action: string; csrf: string; credential: string }> {
  return page.evaluate(`(async () => {
    const form = document.querySelector('form[data-passkey=get]')
    const json = { ...JSON.parse(form.dataset.options), ...${JSON.stringify(changes)} }
    const options = PublicKeyCredential.parseRequestOptionsFromJSON(json)
    const credential = JSON.stringify(await navigator.credentials.get({ publicKey: options }))
    return { action: form.getAttribute('action'), csrf: form.elements.csrf.value, credential }
  })()`)
}

/** A visitor with the cookies of a device. */
async function visitorOf({ context }: Device): Promise<Visitor> {
  const visitor = new Visitor(installation.url)
  for (const { name, value } of await context.cookies()) visitor.cookies.set(name, value)
  return visitor
}

describe('passkeys', { timeout: 120_000 }, () => {
  it('are added by who has signed in, and then sign in alone, on our pages and for a client', async () => {
    const { id } = await people.add({ name: 'ada', displayName: 'Ada Lovelace', password: goodPassword })
    const device = await newDevice()
    const { page, context } = device
    const errors: string[] = []
    page.on(
      'console',
      (message) => message.type() === 'error' && errors.push(message.text() + message.location().url),
    )
    page.on('pageerror', (error) => errors.push(String(error)))
    await register(device, 'ada')
    await signOut(device)

    await page.goto(passkeysUrl())
    await passkeyButton(page).click()
    await page.getByText('last used').waitFor()
    assert.equal(page.url(), passkeysUrl())
    await signOut(device)

    const client = new OAuthClient(installation.url)
    await page.route('http://127.0.0.1:1/**', (route) => route.fulfill({ body: 'back at the client' }))
    await page.goto(client.authorizationUrl({ verifier: 'a'.repeat(43) }))
    await passkeyButton(page).click()
    await page.getByText('Ada Lovelace').waitFor()
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByText('back at the client').waitFor()
    assert.match(new URL(page.url()).searchParams.get('code') ?? '', /.+/)
    assert.deepEqual(
      errors.filter((text) => !text.endsWith('/favicon.ico')),
      [],
      'the content security policy lets the pages work',
    )
    const logins = (await installation.audit()).filter(
      ({ path = '', outcome }) => path.endsWith('/login/passkey') && outcome === 'allowed',
    )
    const facts = logins.map(({ event, subject }) => [event, subject])
    assert.deepEqual(facts, [
      ['oauth.login', id],
      ['oauth.login', id],
    ])
    await context.close()
  })

  it('sign in while guesses have locked the password, and not once their user is disabled (A58)', async () => {
    await people.add({ name: 'grace', password: goodPassword })
    const device = await newDevice()
    const { page, context } = device
    await register(device, 'grace')
    await signOut(device)
    for (let attempt = 0; attempt < 8; attempt++) {
      await new Visitor(installation.url).submit('/login', { name: 'grace', password: 'a wrong password' })
    }
    await page.goto(passkeysUrl())
    await passkeyButton(page).click()
    await page.getByText('My laptop').first().waitFor()

    await people.disable('grace')
    await page.goto(passkeysUrl())
    await passkeyButton(page).click()
    await page.getByText('can no longer be used').waitFor()
    await context.close()
  })

  it('answer a challenge once, in the browser that it was given to', async () => {
    await people.add({ name: 'alan', password: goodPassword })
    const device = await newDevice()
    await register(device, 'alan')
    await signOut(device)
    await device.page.goto(`${installation.url}/login`)
    const { action, csrf, credential } = await capture(device)

    const elsewhere = new Visitor(installation.url)
    const foreign = { csrf: csrfOf((await elsewhere.get('/login')).html), credential }
    assert.equal((await elsewhere.post(action, foreign)).status, 422, 'another browser')

    const answers = await Promise.all(
      Array.from({ length: 5 }, async () => (await visitorOf(device)).post(action, { csrf, credential })),
    )
    assert.equal(answers.filter(({ status }) => status === 303).length, 1)
    assert.equal((await (await visitorOf(device)).post(action, { csrf, credential })).status, 422)
    await device.context.close()
  })
})

describe('passkeys that are no way in', { timeout: 120_000 }, () => {
  it('are those whose counter does not grow: there are two of them', async () => {
    await people.add({ name: 'clone', password: goodPassword })
    const device = await newDevice()
    const { page, cdp, authenticatorId } = device
    await register(device, 'clone')
    await signOut(device)
    const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId })
    const [original] = credentials
    assert.ok(original !== undefined)
    await page.goto(passkeysUrl())
    await passkeyButton(page).click()
    await page.getByText('last used').waitFor()
    await signOut(device)

    await cdp.send('WebAuthn.clearCredentials', { authenticatorId })
    await cdp.send('WebAuthn.addCredential', { authenticatorId, credential: { ...original, signCount: 0 } })
    await page.goto(passkeysUrl())
    await passkeyButton(page).click()
    await page.getByText('can no longer be used').waitFor()
    const [event] = (await installation.audit()).filter(({ code }) => code === 'login_refused').slice(-1)
    assert.match(event?.reason ?? '', /counter/)
    await device.context.close()
  })

  it('are those of an earlier password', async () => {
    await people.add({ name: 'reset', password: goodPassword })
    const device = await newDevice()
    await register(device, 'reset')
    await people.setPassword('reset', 'four other words of no meaning')
    await device.page.goto(passkeysUrl())
    await passkeyButton(device.page).click()
    await device.page.getByText('is not known here').waitFor()
    await device.context.close()
  })

  it('are those whose device has not seen its person', async () => {
    await people.add({ name: 'absent', password: goodPassword })
    const device = await newDevice()
    const { page, cdp, authenticatorId } = device
    await register(device, 'absent')
    await signOut(device)
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
    await page.goto(passkeysUrl())
    await passkeyButton(page).click()
    await page.getByText('Your device gave no passkey').waitFor()

    const { action, csrf, credential } = await capture(device, { userVerification: 'discouraged' })
    const answer = await (await visitorOf(device)).post(action, { csrf, credential })
    assert.equal(answer.status, 422, 'whoever has the device and asks it without its lock')
    await device.context.close()
  })

  it('are those that their owner has removed', async () => {
    await people.add({ name: 'former', password: goodPassword })
    const device = await newDevice()
    const { page } = device
    await register(device, 'former')
    const other = new Visitor(installation.url)
    await people.add({ name: 'other', password: goodPassword })
    await other.submit('/login', { name: 'other', password: goodPassword })
    const id = /name="id" value="([^"]+)"/.exec(await page.content())?.[1] ?? ''
    await other.post('/account/passkeys/remove', {
      csrf: csrfOf((await other.get('/account/passkeys')).html),
      id,
    })
    await page.reload()
    await page.getByText('My laptop').first().waitFor()

    await page.locator('summary', { hasText: 'My laptop' }).click()
    await page.getByRole('button', { name: 'Remove My laptop' }).click()
    await page.getByText('You have no passkeys yet').waitFor()
    await signOut(device)
    await page.goto(passkeysUrl())
    await passkeyButton(page).click()
    await page.getByText('is not known here').waitFor()
    await device.context.close()
  })
})

describe('the pages of passkeys', { timeout: 60_000 }, () => {
  it('run two scripts of ours and no other, and show no button where scripts do not run', async () => {
    const visitor = new Visitor(installation.url)
    const { html, headers } = await visitor.get('/login')
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*; script-src 'self';/)
    assert.deepEqual(html.match(/<script[^>]*>/g)?.length, 2)
    assert.match(html, /<form[^>]*data-passkey="get"[^>]* hidden>/)
    assert.doesNotMatch(html, / on[a-z]+=|<style| style=/)
    for (const [, path = ''] of html.matchAll(/<script src="([^"]+)"/g)) {
      const script = await visitor.get(path)
      assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8')
      assert.match(script.headers.get('cache-control') ?? '', /immutable/)
    }

    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(passkeysUrl())
    assert.equal(await passkeyButton(page).isVisible(), false)
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill(goodPassword)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('has JavaScript turned on').waitFor()
    await context.close()
  })
})
