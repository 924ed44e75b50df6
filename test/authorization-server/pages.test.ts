import assert from 'node:assert/strict'
import { after, before, describe, it, mock } from 'node:test'
import { tellServers } from '../../src/authorization-server/pages/home-page.ts'
import type { ProtectedResource } from '../../src/core/protected-resource.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

let installation: Installation
let client: OAuthClient
before(async () => {
  installation = await startInstallation()
  client = new OAuthClient(installation.url)
})
after(() => installation.close())

const verifier = 'a'.repeat(43)

/** Walks to the login page and returns what a browser would hold there. */
async function atLogin(): Promise<{ action: string; csrf: string; cookie: string }> {
  const authorize = await fetch(client.authorizationUrl({ verifier }), { redirect: 'manual' })
  const cookie = authorize.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ')
  const page = await fetch(new URL(authorize.headers.get('location') ?? '', installation.url), {
    headers: { cookie },
  })
  const html = await page.text()
  const action = /action="([^"]*)"/.exec(html)?.[1] ?? ''
  const csrf = /name="csrf" value="([^"]*)"/.exec(html)?.[1] ?? ''
  return { action: installation.url + action, csrf, cookie }
}

const post = (
  action: string,
  body: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(action, { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams(body) })

describe('pages (P11, A48)', () => {
  it('cannot be framed, load nothing foreign, run no script but ours, are not kept and leak no Referer', async () => {
    const browser = new FormBrowser()
    await client.authorize({}, browser)
    await browser.visit(new OAuthClient(installation.url, 'unknown').authorizationUrl({ verifier }))
    assert.equal(browser.pages.length, 3, 'login, consent and an error')
    for (const { headers, html } of browser.pages) {
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /default-src 'none'/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.match(policy, /script-src 'self';/)
      assert.doesNotMatch(
        policy,
        /form-action|unsafe/,
        'form-action would stop the redirect to the client (N17)',
      )
      assert.equal(headers.get('x-frame-options'), 'DENY')
      assert.equal(headers.get('cache-control'), 'no-store')
      assert.equal(headers.get('referrer-policy'), 'same-origin')
      assert.doesNotMatch(html, /<script(?! src="\/assets\/)|<style| on[a-z]+=| style=/i)
      assert.match(html, /<html lang="en">/)
    }
  })

  it('have a style sheet that may be kept for ever', async () => {
    const home = await (await fetch(installation.url)).text()
    const path = /href="([^"]+\.css)"/.exec(home)?.[1] ?? ''
    const response = await fetch(installation.url + path)
    assert.equal(response.headers.get('content-type'), 'text/css; charset=utf-8')
    assert.match(response.headers.get('cache-control') ?? '', /immutable/)
    assert.match(await response.text(), /color-scheme: light dark/)
  })

  it('have an icon, also where browsers look for one unasked', async () => {
    const home = await fetch(installation.url)
    const path = /rel="icon"[^>]*href="([^"]+)"/.exec(await home.text())?.[1] ?? ''
    assert.match(home.headers.get('content-security-policy') ?? '', /img-src 'self'/)
    for (const [icon, cache] of [
      [path, /immutable/],
      ['/favicon.ico', /max-age=86400$/],
    ] as const) {
      const response = await fetch(installation.url + icon)
      assert.equal(response.headers.get('content-type'), 'image/svg+xml; charset=utf-8')
      assert.match(response.headers.get('cache-control') ?? '', cache)
      assert.match(await response.text(), /^<svg (?!.*(?:script|style|href))/s)
    }
  })

  it('say that nothing is kept here where any name signs in', async () => {
    for (const path of ['/account/passkeys', '/account/password']) {
      const response = await fetch(installation.url + path)
      assert.equal(response.status, 404)
      assert.match(await response.text(), /keeps no passwords or passkeys/)
    }
  })

  it('tell who sends a login without the cookie of its page to open the page again', async () => {
    const answer = await post(`${installation.url}/login`, { name: 'ada', csrf: 'x' })
    assert.equal(answer.status, 400)
    assert.match(
      await answer.text(),
      /This form has expired.*Allow cookies for this site, then open the page again/s,
    )
  })

  it('tell who comes back from a provider to no sign-in that it is over, and not of a form', async () => {
    const answer = await fetch(`${installation.url}/login/callback/elsewhere?code=x&state=y`)
    assert.equal(answer.status, 400)
    assert.match(
      await answer.text(),
      /This page has expired.*The sign-in that this page belonged to is over/s,
    )
  })

  it('show on the front page where the server is', async () => {
    assert.match(await (await fetch(installation.url)).text(), new RegExp(installation.mcpUrl))
  })
})

describe('login and consent', () => {
  it('show who asks, where the answer goes, and each scope in words (R11, X3)', async () => {
    const browser = new FormBrowser()
    await client.authorize({ scope: 'mcp:tools:execute mcp:resources:read' }, browser)
    const [login, consent] = browser.pages
    assert.match(login?.html ?? '', /value="dev_user_123"/)
    assert.match(consent?.html ?? '', /Let Test client in\?/)
    assert.match(consent?.html ?? '', /<strong>127\.0\.0\.1:1<\/strong>/)
    assert.match(consent?.html ?? '', /a program on this computer/)
    assert.match(consent?.html ?? '', /Run tools on your behalf/)
    assert.match(consent?.html ?? '', /Read the content of resources/)
    assert.doesNotMatch(consent?.html ?? '', /See which prompts/)
  })

  it('put approval first in the form, so that Enter approves', async () => {
    const browser = new FormBrowser()
    await client.authorize({}, browser)
    assert.match(
      browser.pages[1]?.html ?? '',
      /value="approve">Approve<\/button>\s*<button type="submit" name="decision" value="deny">/,
    )
  })

  it('ask at every authorization by a program on this computer, whoever is logged in (X1, A50)', async () => {
    const browser = new FormBrowser()
    await client.authorize({}, browser)
    await client.authorize({}, browser)
    assert.equal(browser.pages.filter(({ html }) => html.includes('value="approve"')).length, 2)
    assert.equal(
      browser.pages.filter(({ html }) => html.includes('id="name"')).length,
      1,
      'the login is remembered',
    )
  })

  it('refuse a name that is none, and keep what was typed', async () => {
    for (const name of ['', ' ', 'a b', '../x', 'a'.repeat(65), '<b>']) {
      const { action, csrf, cookie } = await atLogin()
      const response = await post(action, { csrf, name }, { cookie, origin: installation.url })
      assert.equal(response.status, 422, name)
      assert.match(await response.text(), /role="alert"/)
    }
  })

  it('are found again at the address of their form, which is that of a page after a mistake', async () => {
    const { action, csrf, cookie } = await atLogin()
    assert.equal((await post(action, { csrf, name: 'a b' }, { cookie })).status, 422)
    const again = await fetch(action, { headers: { cookie } })
    assert.equal(again.status, 200)
    assert.equal(again.url, action.replace(/\/login$/, ''))
    assert.match(await again.text(), /id="name"/)
    const page = again.url.slice(installation.url.length)
    for (const [path, to] of [
      [`${page}/login/passkey`, page],
      [`${page}/login/provider`, page],
      [`${page}/consent`, page],
      ['/account/revoke', '/account'],
      ['/login/passkey?next=/account/password', '/login?next=%2Faccount%2Fpassword'],
      ['/login/provider', '/login?next=%2Faccount'],
    ] as const) {
      const { status, headers } = await fetch(installation.url + path, { redirect: 'manual' })
      assert.deepEqual([status, headers.get('location')], [303, to], path)
    }
  })

  it('let two names be two users', async () => {
    const users = await Promise.all(
      ['ada', 'grace'].map(async (name) => {
        const { access_token: token } = await client.signIn({}, new FormBrowser({ fill: { name } }))
        return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }
      }),
    )
    assert.deepEqual(
      users.map(({ sub }) => sub),
      ['ada', 'grace'],
    )
  })

  it('show nothing of a client as markup (A49)', async () => {
    const evil = '<script>alert(1)</script>\u202egnp.exe\u200b"\'&'
    const other = await OAuthClient.register(installation.url, {
      redirect_uris: ['https://app.example/cb'],
      client_name: evil + 'x'.repeat(500),
      logo_uri: 'https://tracker.example/logo.png',
    })
    const browser = new FormBrowser()
    await other.authorize({}, browser)
    for (const { html } of browser.pages) {
      assert.doesNotMatch(html, /<script>|\u202e|\u200b|tracker\.example/)
      assert.match(html, /&lt;script&gt;/)
      assert.doesNotMatch(html, /x{100}/)
    }
    assert.match(browser.pages[1]?.html ?? '', /<strong>app\.example<\/strong>/)
    assert.doesNotMatch(browser.pages[1]?.html ?? '', /a program on this computer/)
  })
})

describe('forged forms (A48, X6)', () => {
  it('are refused without the cookie, without the token, with the token of another page, and from elsewhere', async () => {
    const mine = await atLogin()
    const other = await atLogin()
    const name = 'dev_user_123'
    const own = { origin: installation.url }
    for (const response of [
      await post(mine.action, { csrf: mine.csrf, name }, own),
      await post(mine.action, { csrf: mine.csrf, name }, { ...own, cookie: other.cookie }),
      await post(mine.action, { name }, { ...own, cookie: mine.cookie }),
      await post(mine.action, { csrf: other.csrf, name }, { ...own, cookie: mine.cookie }),
      await post(
        mine.action,
        { csrf: mine.csrf, name },
        { origin: 'http://evil.example', cookie: mine.cookie },
      ),
      await post(
        mine.action,
        { csrf: mine.csrf, name },
        { origin: 'http://localhost:9999', cookie: mine.cookie },
      ),
    ]) {
      assert.ok(response.status === 400 || response.status === 403, String(response.status))
      assert.equal(response.headers.get('location'), null)
    }
    const good = await post(mine.action, { csrf: mine.csrf, name }, { ...own, cookie: mine.cookie })
    assert.equal(good.status, 303)
  })

  it('are refused after ten minutes, as the page that they belong to is over', async () => {
    const { action, csrf, cookie } = await atLogin()
    const send = () => post(action, { csrf, name: 'dev_user_123' }, { cookie, origin: installation.url })
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 660_000 })
    try {
      const late = await send()
      assert.equal(late.status, 400)
      assert.match(await late.text(), /This page has expired/)
    } finally {
      mock.timers.reset()
    }
    assert.equal((await send()).status, 303)
  })

  it('say in words when a page is over', async () => {
    const { action, csrf, cookie } = await atLogin()
    const form = { csrf, name: 'dev_user_123' }
    await post(action, form, { cookie, origin: installation.url })
    const gone = await fetch(`${installation.url}/interaction/xxxxxxxxxxxxxxxxxxxxx`, { headers: { cookie } })
    assert.equal(gone.status, 400)
    assert.match(await gone.text(), /This page has expired/)
  })
})

describe('cookies', () => {
  it('are for this browser and this server alone', async () => {
    const authorize = await fetch(client.authorizationUrl({ verifier }), { redirect: 'manual' })
    for (const cookie of authorize.headers.getSetCookie()) {
      assert.match(cookie, /httponly/i)
      assert.match(cookie, /samesite=lax/i)
      assert.match(
        cookie,
        new RegExp(`^portcullis-${new URL(installation.url).port}`),
        'two on one computer do not mix',
      )
    }
  })
})

describe('nobody can log in', () => {
  it('where the configuration says so', async () => {
    const closed = await startInstallation({ config: { login: { users: 'none' } } })
    const browser = new FormBrowser()
    assert.equal(await browser.visit(new OAuthClient(closed.url).authorizationUrl({ verifier })), undefined)
    assert.match(browser.lastPage.html, /Nobody can sign in here/)
    await closed.close()
  })
})

describe('a page that needs nobody', () => {
  it('is there for GET and HEAD alone; a client that takes the first one for an MCP server hears where they are', async () => {
    const home = await fetch(installation.url)
    const html = await home.text()
    assert.match(html, new RegExp(`the address below.*<code>${installation.mcpUrl}</code>`, 's'))
    const style = /href="([^"]+\.css)"/.exec(html)?.[1] ?? ''
    for (const path of ['/', style, '/favicon.ico']) {
      assert.equal((await fetch(installation.url + path, { method: 'HEAD' })).status, 200, path)
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
        const answer = await fetch(installation.url + path, { method })
        assert.equal(answer.status, 405, `${method} ${path}`)
        assert.equal(answer.headers.get('allow'), 'GET, HEAD')
        assert.match(answer.headers.get('content-type') ?? '', /json/)
        const said =
          path === '/' ? `no MCP server is at this address: use ${installation.mcpUrl} ` : 'use GET'
        assert.ok((await answer.text()).includes(said), `${method} ${path}`)
      }
    }
    const decided = (await installation.audit()).filter(({ path }) => path === '/')
    assert.deepEqual(decided, [], 'nothing was decided')
  })

  it('names a few of many MCP servers, and where the others are', () => {
    const of = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ resource: `http://a/${index}` }) as ProtectedResource)
    assert.equal(tellServers(of(2)), 'no MCP server is at this address: use http://a/0 or http://a/1')
    assert.match(tellServers(of(50)), /http:\/\/a\/4 or another one that the page at this address names$/)
  })
})
