import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { filePaths } from '../../src/audit/files.ts'
import { cookieNames } from '../../src/authorization-server/cookies.ts'
import { siteOf } from '../../src/core/site.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import { installationStores } from '../support/installation-stores.ts'
import { challengeOf } from '../support/oauth.ts'
import { proofKey } from '../support/proofs.ts'
import { echo } from '../support/spy-upstream.ts'
import { makeTask, send } from '../support/task-server.ts'
import { startTenants, type TestTenant, type TestTenants } from '../support/tenants.ts'

const list = legacyRequest('tools/list')
const scope = 'mcp:*'
const secretOf = (tenant: string): string => `machine-secret-of-the-tenant-${tenant}`
const clientsOf = (tenant: string) =>
  testClients.map((client) => (client.id === 'machine' ? { ...client, secret: secretOf(tenant) } : client))

for (const kind of installationStores) {
  describe(`what one tenant gave is of no use to another (${kind.name})`, () => {
    let tenants: TestTenants
    let pairs: (readonly [TestTenant, TestTenant])[]
    let close: () => Promise<void>
    before(async () => {
      const store = await kind.open()
      tenants = await startTenants({
        config: store.config,
        both: { dpop: { nonce: 'required' }, registration: { dynamic: 'open' } },
        acme: { limits: { perMinute: 60 }, clients: clientsOf('acme') },
        globex: { limits: { perMinute: 60 }, clients: clientsOf('globex') },
      })
      const { acme, globex } = tenants
      pairs = [
        [acme, globex],
        [globex, acme],
      ]
      close = async () => {
        await tenants.close()
        await store.close()
      }
    })
    after(() => close())

    it('an access token (A3)', async () => {
      const own = tenants.installation.url
      for (const [mine, theirs] of pairs) {
        const token = await mine.tokenFor(scope, 'ada')
        assert.equal((await mine.post(list, { token })).status, 200)
        const reached = theirs.spy.seen.length
        assert.equal((await theirs.post(list, { token })).status, 401)
        assert.equal(theirs.spy.seen.length, reached)
        const main = await fetch(`${own}/mcp`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify(list),
        })
        assert.equal(main.status, 401)
      }
    })

    it('a code, which is still good where it came from', async () => {
      for (const [mine, theirs] of pairs) {
        const code = await mine.oauth.authorize({ scope })
        const { status, body } = await theirs.oauth.redeem(code)
        assert.deepEqual([status, body.error], [400, 'invalid_grant'])
        assert.equal((await mine.oauth.redeem(code)).status, 200)
      }
    })

    it('a refresh token, and its revocation ends nothing', async () => {
      for (const [mine, theirs] of pairs) {
        const { access_token: token, refresh_token: refresh } = await mine.oauth.signIn({ scope })
        assert.equal((await theirs.oauth.refresh(refresh)).body.error, 'invalid_grant')
        for (const one of [refresh, token])
          await theirs.oauth.token({ token: one, client_id: 'user-client' }, { path: '/revoke' })
        assert.equal((await mine.post(list, { token })).status, 200)
        const refreshed = await mine.oauth.refresh(refresh)
        assert.equal(refreshed.status, 200)
        await mine.oauth.token(
          { token: refreshed.body.refresh_token, client_id: 'user-client' },
          { path: '/revoke' },
        )
        assert.notEqual((await mine.oauth.refresh(refreshed.body.refresh_token)).status, 200)
      }
    })

    it('a client that registered itself', async () => {
      for (const [mine, theirs] of pairs) {
        const metadata = { redirect_uris: ['http://127.0.0.1:1/callback'], client_name: `of ${mine.name}` }
        const response = await fetch(`${mine.url}/register`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ ...metadata, token_endpoint_auth_method: 'client_secret_post' }),
        })
        const { client_id: id, client_secret: secret } = (await response.json()) as Record<string, string>
        assert.equal(response.status, 201)
        const known = { clientId: String(id) }
        assert.ok((await mine.oauth.authorize({ scope, ...known })).code)
        await assert.rejects(theirs.oauth.authorize({ scope, ...known }), /no code/)
        const { body } = await theirs.oauth.token({
          grant_type: 'refresh_token',
          refresh_token: 'x',
          client_id: String(id),
          client_secret: String(secret),
        })
        assert.equal(body.error, 'invalid_client')
      }
    })

    it('the id of a session of a server (A29)', async () => {
      for (const [mine, theirs] of pairs) {
        for (const { spy } of [mine, theirs])
          spy.answerWith((request, res) => {
            if (request.body.includes('"initialize"')) res.setHeader('mcp-session-id', 'one-session')
            echo(request, res)
          })
        const token = await mine.tokenFor(scope, 'ada')
        const other = await theirs.tokenFor(scope, 'ada')
        const begun = await mine.post(legacyRequest('initialize', { protocolVersion: '2025-11-25' }), {
          token,
        })
        const headers = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' }
        assert.equal((await mine.post(list, { token, headers })).status, 200)
        assert.equal((await theirs.post(list, { token: other, headers })).status, 404)
      }
    })

    it('the id of a task (A24)', async () => {
      for (const [mine, theirs] of pairs) {
        const token = await mine.tokenFor(scope, 'ada')
        const other = await theirs.tokenFor(scope, 'ada')
        const taskId = await makeTask('legacy', token, mine)
        assert.notEqual(await makeTask('legacy', other, theirs), taskId)
        assert.equal(
          (await send('legacy', 'tasks/get', { taskId }, { token, at: mine })).json.error,
          undefined,
        )
        const foreign = await send('legacy', 'tasks/get', { taskId }, { token: other, at: theirs })
        assert.equal(foreign.json.error?.code, -32602)
      }
    })

    it('a nonce for DPoP', async () => {
      const key = await proofKey()
      const nonceOf = async ({ url }: TestTenant, nonce?: string) => {
        const proof = await key.prove({ url: `${url}/token` }, nonce === undefined ? {} : { nonce })
        const response = await fetch(`${url}/token`, {
          method: 'POST',
          headers: { dpop: proof },
          body: new URLSearchParams({
            grant_type: 'refresh_token',
            refresh_token: 'x',
            client_id: 'user-client',
          }),
        })
        const { error } = (await response.json()) as { error: string }
        return { error, nonce: response.headers.get('dpop-nonce') ?? '' }
      }
      for (const [mine, theirs] of pairs) {
        const { error, nonce } = await nonceOf(mine)
        assert.equal(error, 'use_dpop_nonce')
        assert.equal((await nonceOf(mine, nonce)).error, 'invalid_grant')
        assert.equal((await nonceOf(theirs, nonce)).error, 'use_dpop_nonce')
      }
    })

    it('a login, under whatever name somebody presents its cookies', async () => {
      const { acme, globex, installation } = tenants
      const account = async (url: string, cookies: ReadonlyMap<string, string>): Promise<string> => {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
        const headers = { accept: 'text/html', cookie }
        return (await fetch(`${url}/account`, { headers, redirect: 'manual' })).text()
      }
      for (const mine of [acme, globex]) {
        const kept = new Map<string, string>()
        const keeping: typeof fetch = async (...request) => {
          const response = await fetch(...request)
          for (const header of response.headers.getSetCookie()) {
            const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
            if (value !== '') kept.set(name, value)
          }
          return response
        }
        await mine.oauth.authorize({ scope }, new FormBrowser({ fill: { name: 'lovelace' }, send: keeping }))
        assert.match(await account(mine.url, kept), /lovelace/)
        for (const url of [acme.url, globex.url, installation.url].filter((one) => one !== mine.url)) {
          const renamed = new Map(kept)
          for (const [part, name] of Object.entries(cookieNames(siteOf(mine.url)))) {
            const other = cookieNames(siteOf(url))[part as 'session']
            for (const suffix of ['', '.sig']) renamed.set(other + suffix, kept.get(name + suffix) ?? '')
          }
          assert.doesNotMatch(await account(url, renamed), /lovelace/, `of ${mine.name} at ${url}`)
        }
      }
    })

    it('the secret of a client that the configuration names, and its tokens', async () => {
      for (const [mine, theirs] of pairs) {
        const ask = (at: TestTenant) =>
          at.oauth.token({
            grant_type: 'client_credentials',
            client_id: 'machine',
            client_secret: secretOf(mine.name),
          })
        const { body } = await ask(mine)
        assert.equal((await mine.post(list, { token: body.access_token })).status, 200)
        assert.equal((await theirs.post(list, { token: body.access_token })).status, 401)
        assert.equal((await ask(theirs)).body.error, 'invalid_client')
      }
    })

    it('a pushed request', async () => {
      for (const [mine, theirs] of pairs) {
        const verifier = 'v'.repeat(43)
        const pushed = await mine.oauth.token(
          {
            client_id: 'user-client',
            response_type: 'code',
            redirect_uri: 'http://127.0.0.1:1/callback',
            code_challenge: challengeOf(verifier),
            code_challenge_method: 'S256',
            scope,
          },
          { path: '/par' },
        )
        assert.equal(pushed.status, 201)
        const query = new URLSearchParams({
          client_id: 'user-client',
          request_uri: String(pushed.body['request_uri']),
        })
        const visit = (at: TestTenant): Promise<URL | undefined> =>
          new FormBrowser({ fill: { name: 'ada' } }).visit(`${at.url}/authorize?${query.toString()}`)
        assert.equal((await visit(theirs).catch(() => undefined))?.searchParams.get('code') ?? null, null)
        assert.ok((await visit(mine))?.searchParams.get('code'))
      }
    })

    it('the keys that sign', async () => {
      const kids = await Promise.all(
        [tenants.installation.url, tenants.acme.url, tenants.globex.url].map(async (url) => {
          const { keys } = (await (await fetch(`${url}/jwks`)).json()) as { keys: { kid: string }[] }
          return keys.map(({ kid }) => kid)
        }),
      )
      assert.equal(new Set(kids.flat()).size, kids.flat().length)
    })

    it('the count of a limit', async () => {
      for (const [mine, theirs] of pairs) {
        const user = `busy_${mine.name}`
        const token = await mine.tokenFor(scope, user)
        const other = await theirs.tokenFor(scope, user)
        let status = 200
        for (let n = 0; n <= 61 && status === 200; n++) ({ status } = await mine.post(list, { token }))
        assert.equal(status, 503)
        assert.equal((await theirs.post(list, { token: other })).status, 200)
      }
    })

    it('what the audit and the metrics say', async () => {
      const { installation, acme, globex } = tenants
      await acme.tokenFor(scope, 'only_at_acme')
      await acme.post(list, { token: await acme.tokenFor(scope, 'only_at_acme') })
      const text = (folder: string): string =>
        filePaths(folder)
          .map((path) => readFileSync(path, 'utf8'))
          .join('')
      await installation.audit()
      const folder = (name: string): string => join(installation.data, 'tenants', name, 'audit')
      assert.match(text(folder('acme')), /only_at_acme/)
      assert.doesNotMatch(text(folder('globex')) + text(join(installation.data, 'audit')), /only_at_acme/)
      const { text: metrics } = { text: await (await fetch(`${installation.adminUrl}/metrics`)).text() }
      for (const { name } of [acme, globex])
        assert.match(
          metrics,
          new RegExp(`portcullis_mcp_operations_total\\{upstream="spy",[^}]*tenant="${name}"`),
        )
      assert.doesNotMatch(metrics, /portcullis_mcp_operations_total\{upstream="spy",(?![^}]*tenant=)/)
      assert.match(metrics, /^process_start_time_seconds \d/m)
      assert.match(installation.log(), /"tenant":"acme"[^\n]*only_at_acme/)
      assert.doesNotMatch(installation.log(), /"tenant":"globex"[^\n]*only_at_acme/)
    })
  })
}
