import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { IncomingMessage, request, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Running, start } from '../../src/app.ts'
import { cookieNames } from '../../src/authorization-server/cookies.ts'
import { Provider } from '../../src/authorization-server/library/library.ts'
import { knownBrowsers } from '../../src/authorization-server/login/known-browser.ts'
import type { AuthorizationServerSettings } from '../../src/authorization-server/settings.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { masterSecret } from '../../src/core/secret.ts'
import { siteOf } from '../../src/core/site.ts'
import type { Account } from '../../src/identity/contract.ts'
import { freePort } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

const publicUrl = 'https://gate.example'
const redirectUri = 'https://app.example/cb'

let running: Running
let folder: string
let port: number
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-cookies-'))
  port = await freePort()
  const config = loadConfig({
    base: {
      mode: 'production',
      publicUrl,
      data: folder,
      listen: { gateway: port, authorizationServer: 0, admin: 0 },
      log: { level: 'silent' },
      login: { users: 'none' },
      clients: [{ id: 'web', redirectUris: [redirectUri] }],
      upstreams: [{ name: 'test', path: '/mcp', url: 'http://127.0.0.1:9/mcp' }],
    },
  })
  // Only a test may let anybody in at a public URL: the configuration refuses it.
  running = await start({ ...config, login: { ...config.login, users: 'development' } })
})
after(async () => {
  await running.close()
  await rm(folder, { recursive: true })
})

interface Seen {
  readonly location: string | undefined
  readonly cookies: readonly string[]
  readonly html: string
}

/** What a browser gets through the proxy at which TLS ends. */
function send(url: string, cookie: string, form?: Readonly<Record<string, string>>): Promise<Seen> {
  const { host, origin, pathname, search } = new URL(url, publicUrl)
  const body = form === undefined ? undefined : new URLSearchParams(form).toString()
  return new Promise((resolve, reject) => {
    const headers = {
      host,
      cookie,
      ...(body === undefined
        ? {}
        : { origin, 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length }),
    }
    const method = body === undefined ? 'GET' : 'POST'
    request({ port, path: pathname + search, method, headers }, (response) => {
      let html = ''
      response.on('data', (chunk: Buffer) => (html += chunk.toString()))
      response.on('end', () => {
        const { location, 'set-cookie': cookies = [] } = response.headers
        resolve({ location, cookies, html })
      })
    })
      .on('error', reject)
      .end(body)
  })
}

describe('cookies under https (X4, A48)', () => {
  it('are for this host alone, over TLS alone, out of reach of scripts and of forms from elsewhere', async () => {
    const jar = new Map<string, string>()
    const set: string[] = []
    const step = async (url: string, form?: Readonly<Record<string, string>>): Promise<Seen> => {
      const seen = await send(url, [...jar].map((pair) => pair.join('=')).join('; '), form)
      set.push(...seen.cookies)
      for (const one of seen.cookies) {
        const [name = '', value = ''] = (one.split(';')[0] ?? '').split(/=(.*)/s)
        jar.set(name, value)
      }
      return seen.location === undefined ||
        (!seen.location.startsWith(publicUrl) && !seen.location.startsWith('/'))
        ? seen
        : step(seen.location)
    }
    const fill = ({ html }: Seen, fields: Record<string, string>): Promise<Seen> =>
      step(/action="([^"]*)"/.exec(html)?.[1] ?? '', {
        csrf: /name="csrf" value="([^"]*)"/.exec(html)?.[1] ?? '',
        ...fields,
      })
    const client = new OAuthClient(publicUrl, 'web', redirectUri)
    const consent = await fill(await step(client.authorizationUrl({ verifier: 'a'.repeat(43) })), {
      name: 'ada',
    })
    const { location } = await fill(consent, { decision: 'approve' })
    assert.ok(new URL(location ?? '').searchParams.get('code'))

    const live = set.filter((cookie) => !cookie.includes('expires=Thu, 01 Jan 1970'))
    for (const cookie of live) {
      assert.match(cookie, /; ?secure/i, cookie)
      assert.match(cookie, /; ?httponly/i, cookie)
      assert.match(cookie, /; ?samesite=lax/i, cookie)
      assert.doesNotMatch(cookie, /domain=/i, cookie)
      assert.match(cookie, /^__(?:Host|Secure)-/, cookie)
    }
    const session = live.filter((cookie) => cookie.startsWith('__Host-portcullis'))
    assert.ok(session.length >= 2, 'the session and its signature')
    for (const cookie of session) assert.match(cookie, /; ?path=\/(?:;|$)/i, cookie)
    const others = live.filter((cookie) => !cookie.startsWith('__Host-'))
    for (const cookie of others) {
      assert.match(cookie, /; ?path=\/(?:interaction|authorize)\/[\w-]+(?:;|$)/i, 'for one request alone')
    }
  })

  it('are so also where they say who has signed in before', () => {
    const provider = new Provider(publicUrl)
    provider.proxy = true
    const req = new IncomingMessage(new Socket())
    req.headers['x-forwarded-proto'] = 'https'
    const res = new ServerResponse(req)
    const settings = { secret: masterSecret(randomBytes(32)), site: siteOf(publicUrl), clock: systemClock }
    const browsers = knownBrowsers(provider, settings as AuthorizationServerSettings)
    browsers.remember({ req, res }, { id: 'ada' } as Account)
    assert.match(
      String(res.getHeader('set-cookie')),
      /^__Host-portcullis-known=[\w-]+; path=\/; expires=[^;]+; samesite=lax; secure; httponly$/,
    )
  })

  it('have names of their own for each port and path of a host: browsers keep one jar for all ports', () => {
    const sites = ['https://gate.example', 'https://gate.example:8443', 'https://gate.example/t/acme']
    for (const part of ['session', 'form', 'known', 'interaction', 'resume', 'visit'] as const)
      assert.equal(new Set(sites.map((url) => cookieNames(siteOf(url))[part])).size, sites.length, part)
  })
})
