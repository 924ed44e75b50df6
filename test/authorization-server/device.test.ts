import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { storageAdapter } from '../../src/authorization-server/library/adapter.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { loadMasterSecret } from '../../src/keys/master-secret.ts'
import { openStore } from '../../src/storage/open.ts'
import { adapterPorts } from '../support/adapter-ports.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import type { TokenAnswer } from '../support/oauth.ts'

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const television = {
  id: 'television',
  name: 'The television',
  grantTypes: [deviceCode, 'refresh_token'],
} as const satisfies NonNullable<ConfigInput['clients']>[number]

interface DeviceAuthorization {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

describe('the device grant (RFC 8628, N32)', () => {
  let gate: GatedSpy
  let clock: MovableClock
  before(async () => {
    clock = movableClock()
    const clients: ConfigInput['clients'] = [
      ...testClients,
      { ...television, grantTypes: [...television.grantTypes] },
    ]
    gate = await startGatedSpy({ clients, grants: { deviceCode: 'on' } }, clock)
  })
  after(() => gate.close())

  const begin = async (parameters: Record<string, string> = {}): Promise<DeviceAuthorization> => {
    const { status, body } = await gate.oauth.token(
      { client_id: 'television', ...parameters },
      { path: '/device_authorization' },
    )
    assert.equal(status, 200, JSON.stringify(body))
    return body as unknown as DeviceAuthorization
  }
  const poll = ({ device_code }: DeviceAuthorization, client_id = 'television'): Promise<TokenAnswer> =>
    gate.oauth.token({ grant_type: deviceCode, device_code, client_id })
  const enter = async (code: string, options = {}): Promise<FormBrowser> => {
    const browser = new FormBrowser({ ...options, fill: { name: 'viewer', user_code: code } })
    await browser.visit(`${gate.installation.url}/device`)
    return browser
  }

  /** Opens the page and sends one form. */
  const enterOnce = async (fields: Record<string, string>, headers = {}): Promise<string> => {
    const url = `${gate.installation.url}/device`
    const page = await fetch(url)
    const xsrf = /name="xsrf" value="(\w+)"/.exec(await page.text())?.[1] ?? ''
    const cookie = page.headers
      .getSetCookie()
      .map((text) => text.split(';')[0])
      .join('; ')
    const body = new URLSearchParams({ xsrf, ...fields })
    return (await fetch(url, { method: 'POST', headers: { cookie, ...headers }, body })).text()
  }

  it('is announced', async () => {
    const metadata = await fetch(`${gate.installation.url}/.well-known/oauth-authorization-server`)
    const document = (await metadata.json()) as Record<string, string[] | string>
    assert.ok(document['grant_types_supported']?.includes(deviceCode))
    assert.equal(document['device_authorization_endpoint'], `${gate.installation.url}/device_authorization`)
  })

  it('gives a token to a device whose code a person has entered, confirmed and approved', async () => {
    const started = await begin({ scope: 'mcp:tools:read' })
    assert.match(started.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    assert.equal(started.verification_uri, `${gate.installation.url}/device`)
    assert.equal(started.interval, 5)
    assert.equal(started.expires_in, 600)
    assert.equal((await poll(started)).body.error, 'authorization_pending')

    const browser = await enter(started.user_code.toLowerCase().replace('-', ' '))
    const [, confirmation] = browser.pages
    assert.match(confirmation?.html ?? '', /Is this your device\?/)
    for (const shown of [started.user_code, 'The television', 'mcp:tools:read', 'started this yourself'])
      assert.ok(confirmation?.html.includes(shown), shown)
    const consent = browser.pages.find(({ html }) => html.includes('Let The television in?'))
    assert.match(consent?.html ?? '', /started this yourself/)
    assert.match(browser.lastPage.html, /The television<\/strong> is connected/)
    for (const { headers, html } of browser.pages) {
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
      assert.doesNotMatch(html, /<script(?! src="\/assets\/)|<style|style="/)
    }

    const { status, body } = await poll(started)
    assert.equal(status, 200, JSON.stringify(body))
    const claims = decodeJwt(body.access_token)
    assert.equal(claims.sub, 'viewer')
    assert.equal(claims['client_id'], 'television')
    assert.equal(claims['scope'], 'mcp:tools:read')
    assert.equal(claims.aud, gate.installation.mcpUrl)
    assert.equal((await gate.post(legacyRequest('tools/list'), { token: body.access_token })).status, 200)
    const refreshed = await gate.oauth.refresh(body.refresh_token, { client_id: 'television' })
    assert.equal(refreshed.status, 200)

    assert.match(await enterOnce({ user_code: started.user_code }), /has been used/)
    assert.equal((await poll(started)).body.error, 'invalid_grant', 'the device code works once')
    assert.equal((await gate.post(legacyRequest('tools/list'), { token: body.access_token })).status, 401)
  })

  it('asks for the listing scopes and the only server where the device names none', async () => {
    const started = await begin()
    const browser = await enter(started.user_code)
    assert.match(browser.pages[1]?.html ?? '', /mcp:prompts:list/)
    const { body } = await poll(started)
    assert.equal(body.scope, 'mcp:tools:read mcp:resources:list mcp:prompts:list')
    assert.equal(decodeJwt(body.access_token).aud, gate.installation.mcpUrl)
  })

  it('gives a scope for one tool, and understands each spelling of the server', async () => {
    const scope = 'mcp:tools:execute:add'
    const started = await begin({ scope, resource: `${gate.installation.mcpUrl}/` })
    await enter(started.user_code)
    assert.equal((await poll(started)).body.scope, scope)
    const { body } = await gate.oauth.token(
      { client_id: 'television', resource: 'https://elsewhere.example/' },
      { path: '/device_authorization' },
    )
    assert.equal(body.error, 'invalid_target')
  })

  it('only fills the form in when a link brings the code: a person sends it', async () => {
    const started = await begin()
    const response = await fetch(started.verification_uri_complete)
    const html = await response.text()
    assert.match(html, new RegExp(`name="user_code" value="${started.user_code}"`))
    assert.doesNotMatch(html, /<script(?! src="\/assets\/)/)
    assert.equal((await poll(started)).body.error, 'authorization_pending')
    const evil = await fetch(`${gate.installation.url}/device?user_code=%22%3E%3Cscript%3E`)
    assert.match(await evil.text(), /name="user_code" value=""/)
  })

  it('gives nothing after the person denied', async () => {
    const denied = await begin()
    const denying = await enter(denied.user_code, { decision: 'deny' })
    assert.match(denying.lastPage.html, /Not connected/)
    const ended = (await gate.installation.audit()).slice(-2)
    assert.deepEqual(
      ended.map(({ event, outcome, code }) => [event, outcome, code]),
      [
        ['oauth.consent', 'denied', 'access_denied'],
        ['oauth.grant', 'denied', 'access_denied'],
      ],
    )
    assert.equal((await poll(denied)).body.error, 'access_denied')
    assert.equal((await poll(denied)).body.error, 'invalid_grant')
  })

  it('gives nothing after the person cancelled, and takes no forged form', async () => {
    const started = await begin()
    const { user_code } = started
    assert.match(await enterOnce({ user_code, confirm: 'yes', xsrf: 'forged' }), /did not work/)
    assert.equal((await poll(started)).body.error, 'authorization_pending')
    assert.match(await enterOnce({ user_code, abort: 'yes' }), /Not connected/)
    assert.equal((await poll(started)).body.error, 'access_denied')
  })

  it('has the audit know of each code that is refused, though its page is no error to a browser (N34)', async () => {
    const used = await begin()
    await enter(used.user_code)
    const { user_code } = await begin()
    for (const [fields, code] of [
      [{ user_code: 'BBBB-BBBB' }, 'user_code_unknown'],
      [{ user_code: used.user_code }, 'user_code_used'],
      [{ user_code: '' }, 'invalid_request'],
      [{ user_code, abort: 'yes' }, 'access_denied'],
    ] as const) {
      await enterOnce(fields)
      const last = (await gate.installation.audit()).at(-1)
      assert.deepEqual([last?.event, last?.outcome, last?.code], ['oauth.device', 'denied', code])
      assert.match(last?.reason ?? '', /device/)
      assert.ok(fields.user_code === '' || !JSON.stringify(last).includes(fields.user_code))
    }
    const right = await begin()
    await enterOnce({ user_code: right.user_code })
    const last = (await gate.installation.audit()).at(-1)
    assert.deepEqual([last?.event, last?.outcome, last?.code], ['oauth.device', 'allowed', undefined])
  })

  it('refuses a form of another origin, also one that has all that a form needs (A48)', async () => {
    const started = await begin()
    const form = { user_code: started.user_code, abort: 'yes' }
    assert.match(await enterOnce(form, { origin: 'http://localhost:9999' }), /expired/)
    assert.equal((await poll(started)).body.error, 'authorization_pending', 'nothing has come of it')
    const { origin } = new URL(gate.installation.url)
    assert.match(await enterOnce(form, { origin }), /Not connected/)
  })

  it('lets no page of another origin read what a person sees', async () => {
    for (const path of ['/device', '/device/abc', '/authorize/abc'])
      for (const method of ['GET', 'OPTIONS']) {
        const headers = { origin: 'http://localhost:6374', 'access-control-request-method': 'GET' }
        const answer = await fetch(gate.installation.url + path, { method, headers })
        assert.equal(answer.headers.get('access-control-allow-origin'), null, `${method} ${path}`)
      }
  })

  it('is claimed once in the store, whatever several processes found before', async () => {
    const folder = gate.installation.data
    const store = await openStore({ folder, secret: loadMasterSecret({ folder }), clock: systemClock })
    const codes = storageAdapter(adapterPorts(store))('DeviceCode')
    const claim = async (): Promise<unknown> => codes.upsert('a code', { inFlight: true }, 600)
    const claims = await Promise.allSettled(Array.from({ length: 50 }, claim))
    assert.equal(claims.filter(({ status }) => status === 'fulfilled').length, 1)
    await codes.upsert('a code', { inFlight: true, accountId: 'viewer' }, 600)
    await store.close()
  })

  it('lets one person go on of several who confirm one code at once', async () => {
    const { user_code } = await begin()
    const form = { user_code, confirm: 'yes' }
    const pages = await Promise.all(Array.from({ length: 8 }, () => enterOnce(form)))
    const redirected = pages.filter((page) => !/did not work|has been used|Too many/.test(page))
    assert.equal(redirected.length, 1, pages.join())
  })

  it('tells a device that asks too often to slow down, and no other', async () => {
    const started = await begin()
    const errors: string[] = []
    for (const wait of [0, 0, 0, 5000, 0, 5000]) {
      clock.advance(wait)
      errors.push((await poll(started)).body.error)
    }
    assert.deepEqual(
      errors.filter((_, index) => [0, 3, 5].includes(index)),
      ['authorization_pending', 'authorization_pending', 'authorization_pending'],
    )
    assert.ok(errors.includes('slow_down'))
  })

  it('gives a device code to its client alone', async () => {
    const started = await begin()
    await enter(started.user_code)
    assert.equal((await poll(started, 'user-client')).status, 400)
    const refused = await gate.oauth.token({ client_id: 'user-client' }, { path: '/device_authorization' })
    assert.equal(refused.status, 400)
  })

  it('stops an address that guesses codes', async () => {
    const guess = async (): Promise<FormBrowser> => {
      const browser = new FormBrowser({ fill: { user_code: 'BBBB-BBBB' } })
      await browser.visit(`${gate.installation.url}/device`).catch(() => undefined)
      return browser
    }
    const { pages } = await guess()
    assert.ok(pages.some(({ html }) => html.includes('There is no such code')))
    assert.match(pages.at(-1)?.html ?? '', /Too many wrong codes/)
    assert.equal(pages.at(-1)?.status, 429)
    const started = await begin()
    const right = await enter(started.user_code)
    assert.match(right.lastPage.html, /Too many wrong codes/)
  })
})

describe('the page of a device', () => {
  it('begins a session for ten minutes, which is longer when somebody has signed in', async (test) => {
    const gate = await startGatedSpy({ grants: { deviceCode: 'on' } })
    test.after(() => gate.close())
    const secondsOf = ({ headers }: { headers: Headers }): number => {
      const cookie = headers.getSetCookie().find((one) => /^portcullis-\d+=/.test(one)) ?? ''
      return (Date.parse(/expires=([^;]*)/i.exec(cookie)?.[1] ?? '') - Date.now()) / 1000
    }
    const url = `${gate.installation.url}/device`
    const browser = new FormBrowser()
    const stranger = secondsOf(await browser.open(url))
    assert.ok(stranger > 0 && stranger <= 600, String(stranger))
    await gate.oauth.authorize({}, browser)
    assert.ok(secondsOf(await browser.open(url)) > 24 * 3600)
  })
})

describe('the device grant where it is off (A61)', () => {
  it('is announced nowhere, and no client can have it', async () => {
    const gate = await startGatedSpy()
    const { url } = gate.installation
    const metadata = (await (await fetch(`${url}/.well-known/oauth-authorization-server`)).json()) as object
    assert.doesNotMatch(JSON.stringify(metadata), /device/)
    const parameters = { client_id: 'user-client' }
    assert.equal((await gate.oauth.token(parameters, { path: '/device_authorization' })).status, 404)
    assert.equal((await fetch(`${url}/device`)).status, 404)
    const { body } = await gate.oauth.token({ grant_type: deviceCode, device_code: 'x', ...parameters })
    assert.equal(body.error, 'unsupported_grant_type')
    await gate.close()
    const clients: ConfigInput['clients'] = [{ ...television, grantTypes: [...television.grantTypes] }]
    assert.throws(
      () => loadConfig({ base: { clients } }),
      /clients\[0\]\.grantTypes\[0\]: works only with grants\.deviceCode: on/,
    )
  })
})
