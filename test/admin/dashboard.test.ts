import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { adminUrl } from '../../src/compose/dashboard/link.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type DashboardVisitor, openDashboard } from '../support/dashboard-visitor.ts'
import { startFederation } from '../support/federation.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { holdPost } from '../support/held-post.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

let installation: Installation
let operator: DashboardVisitor
before(async () => {
  installation = await startInstallation()
  operator = await openDashboard(await installation.dashboardLink())
})
after(() => installation.close())

const pages = ['/', '/events', '/users', '/clients', '/grants', '/sessions', '/keys']

/** The id that the form of an action on the row with this text has. */
async function idOf(path: string, action: string, text: string): Promise<string> {
  const page = await (await operator.get(path)).text()
  const row = page.split('<tr>').find((part) => part.includes(text)) ?? ''
  const form = row.split('<form ').find((part) => part.includes(`action="${path}/${action}"`)) ?? ''
  return /name="id" value="([^"]+)"/.exec(form)?.[1] ?? assert.fail(`no ${action} for ${text} at ${path}`)
}

async function callTools(token: string, { mcpUrl } = installation): Promise<number> {
  const response = await fetch(mcpUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  })
  await response.arrayBuffer()
  return response.status
}

const machineToken = async (): Promise<string> => {
  const response = await fetch(`${installation.url}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'machine',
      client_secret: 'machine-secret-of-the-tests',
    }),
  })
  return ((await response.json()) as { access_token: string }).access_token
}

describe('the dashboard', () => {
  it('shows nothing and does nothing for whoever has no session (A73)', async () => {
    const [name] = operator.cookie.split('=')
    for (const cookie of ['', `${name}=made-up`, `${name}=`])
      for (const path of pages) {
        const response = await fetch(installation.adminUrl + path, { headers: { cookie } })
        assert.equal(response.status, 401, path)
        assert.match(await response.text(), /portcullis dashboard/)
      }
    const response = await fetch(`${installation.adminUrl}/keys/retire`, { method: 'POST' })
    assert.equal(response.status, 401)
  })

  it('has links to its own listener, and to this machine where that is every address', () => {
    const linkAt = (adminHost?: string): string => {
      const listen = { ...loadConfig({}).listen, internalHost: '10.0.0.1', ...(adminHost && { adminHost }) }
      return adminUrl(listen, 3005)
    }
    assert.deepEqual(
      [undefined, '10.0.0.2', 'fd00::2', '0.0.0.0', '::'].map((adminHost) => linkAt(adminHost)),
      ['10.0.0.1', '10.0.0.2', '[fd00::2]', '127.0.0.1', '[::1]'].map((host) => `http://${host}:3005`),
    )
  })

  it('is opened by a link once, and not by looking at it', async (t) => {
    const other = await startInstallation()
    t.after(() => other.close())
    const link = await other.dashboardLink()
    assert.equal((await fetch(link)).status, 200)
    const entries = await Promise.allSettled([1, 2, 3].map(() => openDashboard(link)))
    assert.equal(entries.filter(({ status }) => status === 'fulfilled').length, 1)
    await assert.rejects(openDashboard(link))
    assert.ok(!other.log().includes(new URL(link).pathname), 'the link is in the log')
  })

  it('stays open beside that of another installation of the same host', async (t) => {
    const other = await startInstallation()
    t.after(() => other.close())
    const visitors = [operator, await openDashboard(await other.dashboardLink())]
    // What a browser keeps of a host, whatever the port.
    const jar = new Map(visitors.map(({ cookie }) => cookie.split('=') as [string, string]))
    const cookie = [...jar].map((pair) => pair.join('=')).join('; ')
    for (const { adminUrl: at } of [installation, other])
      assert.equal((await fetch(at, { headers: { cookie } })).status, 200)
  })

  it('takes a form of its own alone', async () => {
    const kid = await idOf('/keys', 'rotate', 'active')
    for (const [form, headers] of [
      [{ id: kid, csrf: 'guessed' }, {}],
      [{ id: kid, csrf: '' }, {}],
      [{ id: kid }, { origin: 'http://evil.example' }],
      [{ id: kid }, { origin: 'null' }],
    ] as const)
      assert.equal((await operator.post('/keys/rotate', form, headers)).status, 403)
    assert.doesNotMatch(await (await operator.get('/keys')).text(), /<td>next<\/td>/)
  })

  it('answers what is no form, or too long for one, and takes it for no fault', async () => {
    const send = async (type: string, body: string, cookie = operator.cookie): Promise<number> => {
      const headers = { cookie, 'content-type': type }
      return (await fetch(`${installation.adminUrl}/keys/rotate`, { method: 'POST', headers, body })).status
    }
    const form = 'application/x-www-form-urlencoded'
    for (const cookie of [operator.cookie, '']) assert.equal(await send(form, 'x'.repeat(5000), cookie), 413)
    for (const type of ['multipart/form-data', 'multipart/form-data; boundary=x'])
      assert.equal(await send(type, '--x\r\nbroken'), 403)
    assert.doesNotMatch(installation.log(), /"msg":"fault"/)
  })

  it('takes no form of whoever has signed out while it came', async (t) => {
    const other = await startInstallation()
    t.after(() => other.close())
    const leaving = await openDashboard(await other.dashboardLink())
    const page = await (await leaving.get('/keys')).text()
    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(page) ?? []
    const [, id = ''] = /action="\/keys\/rotate"[^]*?name="id" value="([^"]+)"/.exec(page) ?? []
    const held = await holdPost(`${other.adminUrl}/keys/rotate`, {
      headers: { cookie: leaving.cookie, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ csrf, id }).toString(),
    })
    assert.equal((await leaving.post('/sign-out', {})).status, 200)
    assert.equal((await held.finish()).status, 401)
    const back = await openDashboard(await other.dashboardLink())
    assert.doesNotMatch(await (await back.get('/keys')).text(), /<td>next<\/td>/)
  })

  it('may be framed by nobody, runs no foreign script, sends forms nowhere else, and is kept by no cache', async () => {
    const { headers } = await operator.get('/')
    const policy = headers.get('content-security-policy')?.split('; ') ?? []
    for (const part of ['default-src', 'base-uri', 'frame-ancestors'])
      assert.ok(policy.includes(`${part} 'none'`), part)
    for (const part of ['script-src', 'form-action']) assert.ok(policy.includes(`${part} 'self'`), part)
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('x-frame-options'), 'DENY')
  })

  it('shows who does what, where, and which scope was missing', async () => {
    const token = await machineToken()
    assert.equal(await callTools(token), 502)
    const refused = await fetch(installation.mcpUrl, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'x:<b>' } }),
    })
    assert.equal(refused.status, 403)
    const lacksOneOfTwo = await fetch(installation.mcpUrl, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-03-26',
      },
      body: JSON.stringify([
        { jsonrpc: '2.0', id: 1, method: 'tools/list' },
        { jsonrpc: '2.0', id: 2, method: 'prompts/list' },
      ]),
    })
    assert.equal(lacksOneOfTwo.status, 403)
    const [told] = (await installation.audit()).slice(-1)
    assert.deepEqual(
      [told?.scopes, told?.missing],
      [['mcp:prompts:list', 'mcp:tools:read'], ['mcp:prompts:list']],
    )
    const page = await (await operator.get('/')).text()
    const denials = page.split('data-table="denials"')[1]?.split('</table>')[0] ?? ''
    assert.match(denials, /<td>mcp:resources:read<\/td>/)
    assert.match(denials, /<td>resources\/read<\/td>/)
    assert.match(denials, /<td>mcp:prompts:list<\/td>\s*<td>test<\/td>\s*<td>batch<\/td>/)
    const activities = page.split('data-table="activities"')[1]?.split('</table>')[0] ?? ''
    assert.match(activities, /<td>machine<\/td>\s*<td>test<\/td>\s*<td>tools\/list<\/td>/)
    assert.ok(!page.includes('<b>'), 'what clients say is escaped')
    assert.ok(!page.includes(token))
  })

  it('revokes a grant, whose tokens end at once', async () => {
    const client = new OAuthClient(installation.url)
    const { access_token: token } = await client.signIn(
      { scope: 'mcp:tools:read' },
      new FormBrowser({ fill: { name: 'grace' } }),
    )
    assert.equal(await callTools(token), 502)
    const done = await operator.post('/grants/revoke', { id: await idOf('/grants', 'revoke', 'grace') })
    assert.equal(done.status, 200)
    assert.match(await done.text(), /The grant is revoked/)
    assert.equal(await callTools(token), 401)
    const again = await operator.post('/grants/revoke', { id: 'never-was-there' })
    assert.equal(again.status, 409)
    assert.match(await again.text(), /has ended already/)
  })

  it('ends a session', async () => {
    await operator.post('/sessions/end', { id: await idOf('/sessions', 'end', 'grace') })
    assert.doesNotMatch(await (await operator.get('/sessions')).text(), /grace/)
  })

  it('gives a client another secret, shown once, and removes it', async () => {
    const registered = await fetch(`${installation.url}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'Ledger <i>',
        redirect_uris: ['https://ledger.example/callback'],
        token_endpoint_auth_method: 'client_secret_post',
      }),
    })
    const { client_id: id } = (await registered.json()) as { client_id: string }
    const rotated = await (await operator.post('/clients/rotate', { id })).text()
    const secret = /shown this once: ([\w-]{43})/.exec(rotated)?.[1] ?? assert.fail('no secret is shown')
    assert.ok(!(await (await operator.get('/clients')).text()).includes(secret))
    assert.match(rotated, /Ledger &lt;i&gt;/)
    const removed = await (await operator.post('/clients/remove', { id })).text()
    assert.match(removed, /is removed/)
    assert.equal((await operator.post('/clients/remove', { id })).status, 409)
    // A client of the configuration is no row of the store.
    assert.equal((await operator.post('/clients/remove', { id: 'machine' })).status, 409)
  })

  it('rotates and retires keys', async () => {
    const kid = await idOf('/keys', 'rotate', '<td>access tokens')
    assert.match(await (await operator.post('/keys/rotate', { id: kid })).text(), /signs from/)
    assert.match(await (await operator.get('/keys')).text(), /<td>next<\/td>/)
    assert.match(await (await operator.post('/keys/retire', { id: kid })).text(), /has ended/)
  })

  it('holds nobody up at the end of the process', async () => {
    const other = await startInstallation()
    const visitor = await openDashboard(await other.dashboardLink())
    const stream = await visitor.get('/events')
    await other.close()
    assert.match(await stream.text(), /^event: overview$/m, 'it has ended, and was not cut off')
  })

  it('ends with signing out, and what it goes on to tell with it (A73)', { timeout: 30_000 }, async (t) => {
    const other = await startInstallation()
    t.after(() => other.close())
    const visitor = await openDashboard(await other.dashboardLink())
    assert.equal((await visitor.get('/')).status, 200)
    const stream = await visitor.get('/events')
    assert.equal((await visitor.post('/sign-out', {})).status, 200)
    assert.equal((await visitor.get('/')).status, 401)
    assert.match(await stream.text(), /^event: overview$/m)
  })

  it('disables a user, who is signed out everywhere, and lets them in again', async (t) => {
    const other = await startInstallation({ config: { login: { users: 'local' } } })
    t.after(() => other.close())
    await new FormBrowser({
      fill: { name: 'ada', password: 'correct horse battery', repeated: 'correct horse battery' },
    }).visit(other.setUpLink ?? '')
    const visitor = await openDashboard(await other.dashboardLink())
    const page = await (await visitor.get('/users')).text()
    const id = /name="id" value="([^"]+)"/.exec(page)?.[1] ?? assert.fail('there is no user')
    assert.match(await (await visitor.post('/users/disable', { id })).text(), /signed out everywhere/)
    assert.doesNotMatch(await (await visitor.get('/sessions')).text(), /<td>ada/)
    assert.match(await (await visitor.post('/users/enable', { id })).text(), /can log in again/)
    assert.equal((await visitor.post('/users/enable', { id })).status, 409)
  })

  it('disables a user of an identity provider, and shows where they sign in', async (t) => {
    const federation = await startFederation()
    t.after(() => federation.close())
    const { access_token: token } = await federation.signIn()
    assert.equal(await callTools(token, federation.installation), 502)
    const visitor = await openDashboard(await federation.installation.dashboardLink())
    const page = await (await visitor.get('/users')).text()
    assert.match(page, /<td>first:alice@example\.com<\/td>\s*<td>Alice Liddell<\/td>\s*<td>first<\/td>/)
    assert.match(page, /<td>active<\/td>/)
    const id = /name="id" value="([^"]+)"/.exec(page)?.[1] ?? assert.fail('there is no user')
    const disabled = await visitor.post('/users/disable', { id })
    assert.deepEqual([disabled.status, await callTools(token, federation.installation)], [200, 401])
    assert.match(await (await visitor.post('/users/enable', { id })).text(), /can log in again/)
    assert.match(
      await (await visitor.post('/users/enable', { id })).text(),
      /alice@example\.com is not disabled/,
    )
  })
})
