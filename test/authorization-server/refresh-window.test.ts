import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import { type InstallationStore, installationStores } from '../support/installation-stores.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { OAuthClient, type TokenAnswer } from '../support/oauth.ts'
import { startReplicas } from '../support/replicas.ts'
import { stopTime } from '../support/stop-time.ts'

const secret = 'secret-of-a-confidential-client'
const clients = [
  ...testClients,
  { id: 'confidential', secret, redirectUris: ['http://127.0.0.1:1/callback'] },
]

const successors = (answers: readonly TokenAnswer[]): number =>
  new Set(answers.map(({ body }) => body.refresh_token)).size

for (const engine of installationStores) {
  describe(`a refresh token that is used twice within the window, on ${engine.name}`, () => {
    let gate: GatedSpy
    let clock: MovableClock
    let client: OAuthClient
    let closeEngine: () => Promise<void>
    stopTime()
    before(async () => {
      const opened = await engine.open()
      closeEngine = opened.close
      clock = movableClock()
      gate = await startGatedSpy({ ...opened.config, clients }, clock)
      client = gate.oauth
    })
    after(async () => {
      await gate.close()
      await closeEngine()
    })

    const signIn = () => client.signIn({ scope: 'mcp:tools:read mcp:prompts:list' })
    const statusWith = async (token: string): Promise<number> =>
      (await gate.post(legacyRequest('ping'), { token })).status

    it('has one successor, however many use it at once, and nobody is signed out (T3, A58, N21)', async () => {
      for (let round = 0; round < 3; round++) {
        const { refresh_token: token } = await signIn()
        const answers = await Promise.all(Array.from({ length: 50 }, () => client.refresh(token)))
        assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
        assert.equal(successors(answers), 1)
        const { body } = answers[0] as TokenAnswer
        for (const one of answers) assert.equal(await statusWith(one.body.access_token), 200)
        const next = await client.refresh(body.refresh_token)
        assert.equal(next.status, 200)
        assert.notEqual(next.body.refresh_token, body.refresh_token)
        assert.equal(await statusWith(body.access_token), 200, 'the first access token lives on')
      }
    })

    it('leads to the same successor, also when the request is spelled another way (N21)', async () => {
      const { refresh_token: token } = await signIn()
      const first = await client.refresh(token)
      for (const spelling of [
        {},
        { resource: gate.installation.mcpUrl },
        { resource: `${gate.installation.mcpUrl}/` },
        { scope: 'mcp:prompts:list mcp:tools:read' },
      ]) {
        const { status, body, headers } = await client.refresh(token, spelling)
        assert.equal(status, 200)
        const [{ access_token: access, ...rest }, { access_token: _, ...expected }] = [body, first.body]
        assert.deepEqual(rest, expected, JSON.stringify(spelling))
        assert.equal(await statusWith(access), 200)
        assert.equal(headers.get('cache-control'), 'no-store')
      }
    })

    it('after the window ends the whole grant (T3, A58)', async () => {
      const { refresh_token: token } = await signIn()
      const second = await client.refresh(token)
      clock.advance(19_000)
      assert.equal((await client.refresh(token)).body.refresh_token, second.body.refresh_token)
      clock.advance(1001)
      const reuse = await client.refresh(token)
      assert.deepEqual([reuse.status, reuse.body.error], [400, 'invalid_grant'])
      assert.equal(reuse.body.access_token, undefined)
      const [used, refused] = (await gate.installation.audit()).slice(-2)
      assert.deepEqual([used?.outcome, refused?.outcome], ['allowed', 'denied'])
      assert.ok(refused?.grant !== undefined && refused.grant === used?.grant, 'the audit names the grant')
      assert.equal((await client.refresh(second.body.refresh_token)).body.error, 'invalid_grant')
      assert.equal(await statusWith(second.body.access_token), 401)
    })

    it('after the clock was set back by more than the window ends the whole grant (A58)', async () => {
      const { refresh_token: token } = await signIn()
      assert.equal((await client.refresh(token)).status, 200)
      clock.advance(-30_000)
      const { status, body } = await client.refresh(token)
      clock.advance(30_000)
      assert.deepEqual([status, body.error], [400, 'invalid_grant'])
    })

    it('leads to the same successor also when that was used as well, as far as is remembered (N21)', async () => {
      const tokens = [(await signIn()).refresh_token]
      for (let use = 0; use < 16; use++)
        tokens.push((await client.refresh(tokens.at(-1) as string)).body.refresh_token)
      for (const [index, token] of tokens.slice(0, -1).entries())
        assert.equal((await client.refresh(token)).body.refresh_token, tokens[index + 1])
      const last = await client.refresh(tokens.at(-1) as string)
      assert.equal(last.status, 200)
      assert.equal((await client.refresh(tokens[0] as string)).body.error, 'invalid_grant', 'the seventeenth')
      assert.equal((await client.refresh(last.body.refresh_token)).body.error, 'invalid_grant')
    })

    it('for the scope of the answer is the same as for all of it, also without openid', async () => {
      const { refresh_token: token, scope } = await client.signIn({ scope: 'openid mcp:tools:read' })
      assert.equal(scope, 'openid mcp:tools:read')
      const first = await client.refresh(token)
      for (const more of [
        { scope },
        { scope: '' },
        { scope: 'mcp:tools:read' },
        { scope: `${scope} offline_access` },
      ])
        assert.equal((await client.refresh(token, more)).body.refresh_token, first.body.refresh_token)
    })

    it('for something else ends the whole grant (T4, A58)', async () => {
      const { refresh_token: token } = await signIn()
      const { body } = await client.refresh(token)
      const narrower = await client.refresh(token, { scope: 'mcp:tools:read' })
      assert.deepEqual([narrower.status, narrower.body.error], [400, 'invalid_grant'])
      assert.equal((await client.refresh(body.refresh_token)).body.error, 'invalid_grant')
      assert.equal(await statusWith(body.access_token), 401)
      assert.match(gate.installation.log(), /refresh token already used/, 'and the log says why')
    })

    it('for more, or elsewhere, is refused as ever, and harms nobody (T4, A58)', async () => {
      const { refresh_token: token } = await signIn()
      const { body } = await client.refresh(token)
      assert.equal((await client.refresh(token, { scope: 'mcp:tools:execute' })).body.error, 'invalid_scope')
      const resource = 'https://elsewhere.example/mcp'
      assert.equal((await client.refresh(token, { resource })).body.error, 'invalid_target')
      assert.equal((await client.refresh(body.refresh_token)).status, 200)
    })

    it('is refused to another client, whose try does not sign its owner out (T4, A58)', async () => {
      const { refresh_token: token } = await signIn()
      const { body } = await client.refresh(token)
      const other = await OAuthClient.register(gate.installation.url, {
        redirect_uris: ['http://127.0.0.1:1/cb'],
      })
      assert.equal((await other.refresh(token)).body.error, 'invalid_grant')
      assert.equal((await client.refresh(body.refresh_token)).status, 200)
    })

    it('is answered only after the client has authenticated again (N21)', async () => {
      const confidential = new OAuthClient(gate.installation.url, 'confidential')
      const credential = { client_secret: secret }
      const { body: first } = await confidential.redeem(await confidential.authorize(), credential)
      const second = await confidential.refresh(first.refresh_token, credential)
      assert.equal(second.status, 200)
      for (const wrong of [{}, { client_secret: 'wrong' }] as Record<string, string>[]) {
        const { status, body } = await confidential.refresh(first.refresh_token, wrong)
        assert.deepEqual([status, body.error], [401, 'invalid_client'])
        assert.equal(body.access_token, undefined)
      }
      const again = await confidential.refresh(first.refresh_token, credential)
      assert.equal(again.body.refresh_token, second.body.refresh_token)
    })

    it('gets nothing any more once its grant is revoked (A9, A58)', async () => {
      const { refresh_token: token } = await signIn()
      const { body } = await client.refresh(token)
      await client.token({ token: body.refresh_token, client_id: client.clientId }, { path: '/revoke' })
      assert.equal((await client.refresh(token)).body.error, 'invalid_grant')
      assert.equal(await statusWith(body.access_token), 401)
    })
  })

  strictly(engine)
  acrossProcesses(engine)
}

function strictly(engine: InstallationStore): void {
  describe(`with a window of 0 a refresh token, on ${engine.name}`, () => {
    it('has at most one winner of many at once, and its grant ends (T3, A58)', async (test) => {
      const { config, close } = await engine.open()
      const gate = await startGatedSpy({ ...config, tokens: { refreshWindowSeconds: 0 } })
      test.after(() => gate.close().then(close))
      for (const count of [50, 2, 2, 2, 3]) {
        const { refresh_token: token } = await gate.oauth.signIn({ scope: 'mcp:tools:read' })
        const answers = await Promise.all(Array.from({ length: count }, () => gate.oauth.refresh(token)))
        const good = answers.filter(({ status }) => status === 200)
        assert.ok(good.length <= 1, `${good.length} of ${count}`)
        for (const { status, body } of answers) if (status !== 200) assert.equal(body.error, 'invalid_grant')
        for (const { body } of good) {
          assert.equal((await gate.oauth.refresh(body.refresh_token)).body.error, 'invalid_grant')
          assert.equal((await gate.post(legacyRequest('ping'), { token: body.access_token })).status, 401)
        }
      }
    })
  })
}

function acrossProcesses(engine: InstallationStore): void {
  /** As long as can be: a process that was killed has to start within it. */
  const patient = { tokens: { refreshWindowSeconds: 60 } }
  describe(`processes that share a store, on ${engine.name}`, () => {
    it('give one successor between them (A58, N21)', { timeout: 60_000 }, async (test) => {
      const { config, close } = await engine.open()
      test.after(close)
      const replicas = await startReplicas(test, 2, { ...config, ...patient })
      const [one, other] = replicas.all.map(({ url }) => new OAuthClient(url)) as [OAuthClient, OAuthClient]
      let { refresh_token: token } = await one.signIn({ scope: 'mcp:tools:read' })
      for (let round = 0; round < 3; round++) {
        const current = token
        const answers = await Promise.all(
          Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? one : other).refresh(current)),
        )
        assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
        assert.equal(successors(answers), 1)
        token = (answers[0] as TokenAnswer).body.refresh_token
      }
      assert.equal((await other.refresh(token)).status, 200)
    })

    it('refuse one refresh between them after a challenge for more scopes', {
      timeout: 60_000,
    }, async (test) => {
      const { config, close } = await engine.open()
      test.after(close)
      const replicas = await startReplicas(test, 2, { ...config, ...patient })
      const [one, other] = replicas.all.map(({ url }) => new OAuthClient(url)) as [OAuthClient, OAuthClient]
      const stranger = await one.signIn({ scope: 'mcp:tools:read' })
      let tokens = await one.signIn({ scope: 'mcp:tools:read' })
      // What a client was told once it is not told again by a refusal.
      for (const method of ['tools/call', 'prompts/get']) {
        const call = await fetch(`${replicas.publicUrl}/mcp`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${tokens.access_token}`,
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
          },
          body: JSON.stringify(legacyRequest(method, { name: 'add' })),
        })
        assert.equal(call.status, 403, await call.text())
        const answers = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            (index % 2 === 0 ? one : other).refresh(tokens.refresh_token),
          ),
        )
        const refused = answers.filter(({ status }) => status !== 200)
        assert.deepEqual(
          refused.map(({ body }) => body.error),
          ['invalid_grant'],
        )
        const answered = answers.find(({ status }) => status === 200) as TokenAnswer
        tokens = answered.body
      }
      assert.equal((await other.refresh(stranger.refresh_token)).status, 200)
    })

    it('sign nobody out when one dies in the middle of a refresh', { timeout: 120_000 }, async (test) => {
      const { config, close } = await engine.open()
      test.after(close)
      const replicas = await startReplicas(test, 1, { ...config, ...patient })
      const client = new OAuthClient(replicas.publicUrl)
      let { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
      let lost = 0
      for (let round = 0; round < 8; round++) {
        const pending = Promise.allSettled(Array.from({ length: 4 }, () => client.refresh(token)))
        await new Promise((resolve) => setTimeout(resolve, 2 + round * 2))
        await replicas.killAndRestart(0)
        lost += (await pending).filter(({ status }) => status === 'rejected').length
        const retry = await client.refresh(token)
        assert.equal(retry.status, 200, `round ${round}: ${JSON.stringify(retry.body)}`)
        token = retry.body.refresh_token
      }
      assert.ok(lost > 0, 'some answers did get lost')
      assert.equal((await client.refresh(token)).status, 200)
    })
  })
}
