import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { portcullis } from '../support/command.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { OAuthClient } from '../support/oauth.ts'
import { startReplicas } from '../support/replicas.ts'
import { echo } from '../support/spy-upstream.ts'
import { until } from '../support/until.ts'

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const kidOf = (token: string): string => String(decodeProtectedHeader(token).kid)

/** Asks until an answer is right: the processes look for changes every second. */
async function untilRight<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  let answer: T
  await until(async () => {
    answer = await ask()
    return isRight(answer)
  }, String(isRight))
  return answer!
}

interface PublishedKey {
  readonly kid: string
  readonly alg: string
}

async function publishedBy(url: string, path = '/jwks'): Promise<readonly PublishedKey[]> {
  const response = await fetch(url + path)
  assert.equal(response.headers.get('cache-control'), 'public, max-age=300')
  const { keys } = (await response.json()) as { keys: PublishedKey[] }
  for (const key of keys) {
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.ok(!(member in key), member)
  }
  return keys
}

const identityKeys = '/gateway/jwks'

describe('rotation of the signing keys while servers run (A62)', () => {
  let gate: GatedSpy
  before(async () => {
    gate = await startGatedSpy()
  })
  after(() => gate.close())

  const key = async (...args: string[]) => {
    const { code, stdout, stderr } = await portcullis(['key', ...args, '--data', gate.installation.data])
    assert.equal(code, 0, stderr)
    return stdout
  }
  const statusWith = async (token: string): Promise<number> =>
    (await gate.post(legacyRequest('ping'), { token })).status
  const published = (path?: string) => publishedBy(gate.installation.url, path)

  it('ends no token, no session, no code and no grant', {
    timeout: 30_000,
  }, async () => {
    const browser = new FormBrowser({ fill: { name: 'keeps_a_session' } })
    const earlier = await gate.oauth.signIn({ scope: 'mcp:tools:read openid' }, browser)
    const idToken = earlier['id_token'] as string
    const pending = await gate.oauth.authorize({ scope: 'mcp:tools:read' })

    await key('rotate', '--now')
    const keys = await untilRight(published, ({ length }) => length === 2)
    assert.equal(keys.length, 2)
    assert.equal(keys[1]?.kid, kidOf(earlier.access_token), 'the new key comes first')

    assert.equal(await statusWith(earlier.access_token), 200, 'a token of the old key passes')
    const redeemed = await gate.oauth.redeem(pending)
    assert.equal(redeemed.status, 200, 'a code of before is good')
    assert.equal(kidOf(redeemed.body.access_token), keys[0]?.kid)
    assert.equal(await statusWith(redeemed.body.access_token), 200)
    const refreshed = await gate.oauth.refresh(earlier.refresh_token)
    assert.equal(refreshed.status, 200, 'a grant of before is good')
    assert.equal(kidOf(refreshed.body.access_token), keys[0]?.kid)
    assert.equal(kidOf(refreshed.body['id_token'] as string), keys[0]?.kid)
    const again = await gate.oauth.authorize({ scope: 'mcp:tools:read' }, browser)
    assert.ok(!browser.pages.at(-1)?.url.includes('login'), 'the session is still there')
    assert.equal((await gate.oauth.redeem(again)).status, 200)

    const keySet = createRemoteJWKSet(new URL(`${gate.installation.url}/jwks`))
    assert.ok(await jwtVerify(idToken, keySet, { issuer: gate.installation.url }))
    const introspected = await gate.oauth.token(
      { token: earlier.access_token, client_id: 'user-client' },
      { path: '/introspect' },
    )
    assert.equal(introspected.body['active'], true)
  })

  it('lets a login that is under way be finished', { timeout: 30_000 }, async () => {
    const began = await published()
    const slow = new FormBrowser({
      beforeSubmit: async () => {
        if ((await published()).length > began.length) return
        await key('rotate', '--now')
        await untilRight(published, ({ length }) => length > began.length)
      },
    })
    const issued = await gate.oauth.authorize({ scope: 'mcp:tools:read' }, slow)
    assert.equal(slow.pages.length, 2, 'login and consent')
    const { status, body } = await gate.oauth.redeem(issued)
    assert.equal(status, 200)
    assert.notEqual(kidOf(body.access_token), began[0]?.kid)
  })

  it('gives MCP servers identity tokens of the new key, which the gateway has published', {
    timeout: 30_000,
  }, async () => {
    const token = await gate.tokenFor('mcp:tools:read')
    const identityToken = async (): Promise<string> => {
      await gate.post(legacyRequest('tools/list'), { token })
      return (gate.spy.seen.at(-1)?.headers['authorization'] ?? '').replace('Bearer ', '')
    }
    const first = kidOf(await identityToken())
    await key('rotate', '--now', '--identity')
    const keys = await untilRight(
      () => published(identityKeys),
      ({ length }) => length === 2,
    )
    assert.equal(kidOf(await identityToken()), first, 'one that was minted stays good')
    await key('retire', first)
    await untilRight(
      () => published(identityKeys),
      ({ length }) => length === 1,
    )
    assert.equal(kidOf(await identityToken()), keys[0]?.kid)
  })

  it('takes back at once what a stolen key signed, and nobody has to log in again', {
    timeout: 30_000,
  }, async () => {
    const { access_token: token, refresh_token: refresh } = await gate.oauth.signIn({ scope: 'mcp:*' })
    assert.equal(await statusWith(token), 200)
    gate.spy.answerWith((_request, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': open\n\n')
    })
    const stream = await fetch(gate.installation.mcpUrl, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${token}` },
    })
    gate.spy.answerWith(echo)
    assert.match(await key('retire', kidOf(token)), /refused from now on/)
    assert.equal(
      await untilRight(
        () => statusWith(token),
        (status) => status === 401,
      ),
      401,
    )
    assert.match(await stream.text(), /^: ?(?:open)?\n\n$/, 'the stream that it opened has ended')
    assert.ok(!(await published()).some(({ kid }) => kid === kidOf(token)))
    const { body } = await gate.oauth.refresh(refresh)
    assert.notEqual(kidOf(body.access_token), kidOf(token))
    assert.equal(await statusWith(body.access_token), 200)
  })
})

describe('a new key (A62)', () => {
  it('is published ten minutes before it signs, and the old one a day longer than its last token', {
    timeout: 30_000,
  }, async (test) => {
    const clock: MovableClock = movableClock()
    const gate = await startGatedSpy({}, clock)
    test.after(() => gate.close())
    const published = () => publishedBy(gate.installation.url)
    const signIn = async () => (await gate.oauth.signIn({ scope: 'mcp:tools:read' })).access_token
    const [old] = await published()
    await portcullis(['key', 'rotate', '--data', gate.installation.data])
    const keys = await untilRight(published, ({ length }) => length === 2)
    const next = keys.find(({ kid }) => kid !== old?.kid)
    assert.equal(kidOf(await signIn()), old?.kid)
    clock.advance(9 * 60_000)
    await wait(1300)
    assert.equal(kidOf(await signIn()), old?.kid)
    clock.advance(61_000)
    await untilRight(published, ([first]) => first?.kid === next?.kid)
    assert.equal(kidOf(await signIn()), next?.kid)
    clock.advance(24.9 * 3_600_000)
    await wait(1300)
    assert.deepEqual(
      (await published()).map(({ kid }) => kid),
      [next?.kid, old?.kid],
    )
    clock.advance(0.2 * 3_600_000)
    assert.deepEqual(
      (await untilRight(published, ({ length }) => length === 1)).map(({ kid }) => kid),
      [next?.kid],
    )
  })

  it('reaches every process that shares the store', { timeout: 120_000 }, async (test) => {
    const { all, file, publicUrl } = await startReplicas(test, 2)
    const urls = all.map(({ url }) => url)
    const client = new OAuthClient(publicUrl)
    const { access_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    const statusAt = async (url: string): Promise<number> =>
      (
        await fetch(`${url}/mcp`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
        })
      ).status
    for (const url of urls) assert.equal(await statusAt(url), 502, 'let in; there is no server behind')
    const rotations = await Promise.all(
      Array.from({ length: 5 }, () => portcullis(['key', 'rotate', '-c', file])),
    )
    assert.equal(rotations.filter(({ stdout }) => stdout.startsWith('The new key')).length, 1)
    for (const url of urls)
      assert.equal(
        (
          await untilRight(
            () => publishedBy(url),
            ({ length }) => length === 2,
          )
        ).length,
        2,
      )
    await portcullis(['key', 'rotate', '--now', '-c', file])
    for (const url of urls) {
      const [first] = await untilRight(
        () => publishedBy(url),
        (keys) => keys[0]?.kid !== kidOf(token),
      )
      const issued = await client.authorize({ scope: 'mcp:tools:read' })
      const { access_token: fresh } = (await new OAuthClient(url).redeem(issued)).body
      assert.equal(kidOf(fresh), first?.kid)
      assert.equal(decodeJwt(fresh).iss, publicUrl)
    }
    await portcullis(['key', 'retire', kidOf(token), '-c', file])
    for (const url of urls)
      assert.equal(
        await untilRight(
          () => statusAt(url),
          (status) => status === 401,
        ),
        401,
      )
  })
})
