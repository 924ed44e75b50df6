import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { LRUCache } from 'lru-cache'
import { blockedClients } from '../../src/authorization-server/registration/blocked-clients.ts'
import { reviewAccess } from '../../src/compose/access-review/review-access.ts'
import { blockClient, removeClient } from '../../src/compose/remove-client.ts'
import { openConfiguredStore } from '../../src/compose/store.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Store } from '../../src/storage/contract.ts'
import { type DashboardVisitor, openDashboard } from '../support/dashboard-visitor.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation, testClients } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { until } from '../support/until.ts'

describe('a client that an operator blocks', () => {
  let installation: Installation
  let operator: DashboardVisitor
  before(async () => {
    installation = await startInstallation()
    operator = await openDashboard(await installation.dashboardLink())
  })
  after(() => installation.close())

  const rowOf = async (id: string): Promise<string> => {
    const page = await (await operator.get(`/clients?q=${encodeURIComponent(id)}`)).text()
    return page.split('<tr>').find((row) => row.includes(`<td>${id}</td>`)) ?? ''
  }
  const call = async (token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    return (await fetch(installation.mcpUrl, { method: 'POST', headers, body })).status
  }

  it('has nothing any more and gets nothing, until it is unblocked', async () => {
    const client = new OAuthClient(installation.url)
    const { access_token: token, refresh_token: refresh } = await client.signIn({ scope: 'mcp:tools:read' })
    const code = await client.authorize({ scope: 'mcp:tools:read' })
    assert.equal(await call(token), 502)

    const done = await operator.post('/clients/block', { id: 'user-client' })
    assert.match(await done.text(), /user-client is blocked\. Grants that ended: 2\./)
    assert.equal(await call(token), 401)
    for (const answer of [await client.refresh(refresh), await client.redeem(code)])
      assert.deepEqual([answer.status, answer.body.error], [401, 'invalid_client'])
    const browser = new FormBrowser()
    await assert.rejects(client.authorize({ scope: 'mcp:tools:read' }, browser), /no code/)
    assert.deepEqual(
      browser.pages.map(({ status }) => status),
      [400],
      'nobody is asked to log in',
    )
    assert.match(await rowOf('user-client'), /<td>blocked \d{4}-/)
    assert.equal((await operator.post('/clients/block', { id: 'user-client' })).status, 409)

    assert.equal((await operator.post('/clients/unblock', { id: 'user-client' })).status, 200)
    assert.equal((await operator.post('/clients/unblock', { id: 'user-client' })).status, 409)
    assert.equal(await call((await client.signIn({ scope: 'mcp:tools:read' })).access_token), 502)
    const told = (await installation.audit()).filter(({ event }) => event === 'admin.client')
    assert.deepEqual(
      told.map(({ action, outcome, operator: who, target }) => [action, outcome, who, target]),
      [
        ['dashboard clients block', 'allowed', 'start', 'user-client'],
        ['dashboard clients block', 'failed', 'start', 'user-client'],
        ['dashboard clients unblock', 'allowed', 'start', 'user-client'],
        ['dashboard clients unblock', 'failed', 'start', 'user-client'],
      ],
    )
  })

  it('gets no token for what it was granted before, however lately another process has blocked it', async () => {
    const client = new OAuthClient(installation.url)
    const asked = { scope: 'mcp:tools:read' }
    const [first, second] = [await client.authorize(asked), await client.authorize(asked)]
    assert.equal((await client.redeem(first)).status, 200)
    const { store } = await openConfiguredStore(
      loadConfig({ base: { data: installation.data } }),
      systemClock,
    )
    const elsewhere = blockedClients({ ...store, clock: systemClock })
    assert.equal(await elsewhere.add('user-client', 'somebody'), true)
    const refused = await client.redeem(second)
    await elsewhere.remove('user-client')
    await store.close()
    assert.deepEqual([refused.status, refused.body.error], [401, 'invalid_client'])
  })

  for (const [how, end] of [
    ['blocks', (store: Store, id: string) => blockClient(store, systemClock, { id, operator: 'somebody' })],
    ['removes', (store: Store, id: string) => removeClient(store, systemClock, id)],
  ] as const)
    it(`gets nothing from a user who decides while another process ${how} it, and is asked about anew (A58)`, async () => {
      const metadata = { client_name: `One that somebody ${how}`, redirect_uris: ['https://app.example/cb'] }
      const client = await OAuthClient.register(installation.url, metadata)
      const { store } = await openConfiguredStore(
        loadConfig({ base: { data: installation.data } }),
        systemClock,
      )
      let isDeciding = false
      const browser = new FormBrowser({
        fill: { name: how },
        async beforeSubmit() {
          if (isDeciding || !browser.lastPage.html.includes('value="approve"')) return
          isDeciding = true
          await end(store, client.clientId)
        },
      })
      await assert.rejects(client.authorize({ scope: 'mcp:tools:read' }, browser), /no code/)
      assert.match(browser.lastPage.html, /not known here/)
      assert.deepEqual(await store.artifacts.listByClient('Grant', client.clientId), [], 'nothing is granted')
      const told = (await installation.audit()).findLast(({ event }) => event === 'oauth.consent')
      assert.deepEqual([told?.outcome, told?.code], ['denied', 'invalid_client'])
      await blockedClients({ ...store, clock: systemClock }).remove(client.clientId)
      await store.close()
      const { clientId } = await OAuthClient.register(installation.url, metadata)
      assert.equal(clientId, client.clientId)
      const request = client.authorizationUrl({ verifier: 'x'.repeat(43) })
      await until(async () => (await fetch(request, { redirect: 'manual' })).status === 303)
      const asked = browser.pages.length
      await client.authorize({ scope: 'mcp:tools:read' }, browser)
      assert.equal(browser.pages.length, asked + 1, 'the user is asked again')
    })

  it('is remembered by no more than a hash: a stranger chooses how long an id is', async (test) => {
    const { mock } = test.mock.method(LRUCache.prototype, 'set')
    const form = { grant_type: 'refresh_token', client_id: 'x'.repeat(20_000), refresh_token: 'none' }
    const { status } = await new OAuthClient(installation.url).token(form)
    const keys = mock.calls.map(({ arguments: [key] }) => String(key).length)
    mock.restore()
    assert.equal(status, 401)
    assert.ok(keys.length > 0 && keys.every((length) => length < 100), String(keys))
  })

  it('has no access in an access review, which says that it is blocked, however many others are', async () => {
    const config = loadConfig({ base: { data: installation.data, clients: testClients } })
    const { store } = await openConfiguredStore(config, systemClock)
    const servers = [{ name: 'test', resource: installation.mcpUrl }]
    const ofMachine = async () => {
      const events = (async function* () {})()
      const ports = { config, publicUrl: installation.url, users: undefined, servers, store, events }
      const { clients, access } = await reviewAccess({ ...ports, clock: systemClock })
      const { state } = clients.find(({ id }) => id === 'machine') ?? {}
      return [state, access.some(({ clientId }) => clientId === 'machine')]
    }
    assert.deepEqual(await ofMachine(), ['of the configuration', true])
    const blocked = blockedClients({ ...store, clock: systemClock })
    await blocked.add('machine', 'somebody')
    assert.deepEqual(await ofMachine(), ['of the configuration, blocked', false])
    for (let one = 0; one < 1000; one++) await blocked.add(`spam-${one}`, 'somebody')
    assert.deepEqual(await ofMachine(), ['of the configuration, blocked', false])
    assert.equal((await blocked.list()).length, 1001)
    await blocked.remove('machine')
    await store.close()
  })

  it('has an id: nobody blocks all who say none', async () => {
    const answer = await operator.post('/clients/block', { id: '' })
    assert.equal(answer.status, 409)
    assert.match(await answer.text(), /There is no client without an id\./)
  })

  it('may be a machine, or one that is known by its document alone', async () => {
    await operator.post('/clients/block', { id: 'machine' })
    const asked = await new OAuthClient(installation.url).token({
      grant_type: 'client_credentials',
      client_id: 'machine',
      client_secret: 'machine-secret-of-the-tests',
    })
    assert.equal(asked.status, 401)
    const id = 'https://app.example/client.json'
    await operator.post('/clients/block', { id })
    assert.match(await rowOf(id), /<td>its document<\/td>.*<td>blocked /s)
    const url = new OAuthClient(installation.url, id, 'https://app.example/callback').authorizationUrl({
      verifier: 'x'.repeat(43),
    })
    const answer = await fetch(url, { redirect: 'manual' })
    assert.equal(answer.status, 400)
    assert.match(await answer.text(), /not known here/, 'and its document is not fetched')
  })
})
