import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { loadMasterSecret } from '../../src/keys/master-secret.ts'
import { openStore } from '../../src/storage/open.ts'
import { startInstallation } from '../support/installation.ts'
import { movableClock } from '../support/movable-clock.ts'
import { OAuthClient, type TokenAnswer } from '../support/oauth.ts'

describe('a refresh token', () => {
  it('cannot be read from the store, not even from what is sealed there (B4)', async (test) => {
    const clock = movableClock()
    const installation = await startInstallation({ clock })
    test.after(() => installation.close())
    const client = new OAuthClient(installation.url)
    const first = await client.signIn({ scope: 'mcp:tools:read' })
    const { body } = await client.refresh(first.refresh_token)
    const folder = installation.data
    const store = await openStore({ folder, secret: loadMasterSecret({ folder }), clock })
    const [grant] = await store.artifacts.list('Grant', { text: '', skip: 0, most: 1 })
    await store.close()
    assert.equal(grant?.refreshToken?.serial, 1)
    for (const token of [first.refresh_token, body.refresh_token, body.access_token])
      assert.ok(!JSON.stringify(grant).includes(token))
  })

  it('that was used is inactive once the window is closed, and asking ends nothing (T3)', async (test) => {
    const clock = movableClock()
    const installation = await startInstallation({ clock })
    test.after(() => installation.close())
    const client = new OAuthClient(installation.url)
    const { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    const { body } = await client.refresh(token)
    const isActive = async (one: string): Promise<unknown> =>
      (await client.token({ token: one, client_id: client.clientId }, { path: '/introspect' })).body['active']
    clock.advance(20_001)
    assert.deepEqual([await isActive(token), await isActive(body.refresh_token)], [false, true])
    assert.equal((await client.refresh(body.refresh_token)).status, 200)
  })

  it('that was not given out here ends nothing, whatever it names (A58)', async (test) => {
    const installation = await startInstallation()
    test.after(() => installation.close())
    const client = new OAuthClient(installation.url)
    const { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    const { body } = await client.refresh(token)
    const good = body.refresh_token
    const forged = [
      token.slice(0, 43) + good.slice(43),
      good.slice(0, 43) + token.slice(43),
      good.slice(0, 49) + 'z' + good.slice(50),
      good.slice(0, -1),
      `${good}x`,
      good.slice(43),
      '',
    ]
    for (const one of forged) {
      const answer = await client.refresh(one)
      assert.equal(answer.status, 400, one)
      assert.match(answer.body.error ?? '', /invalid_(?:grant|request)/)
    }
    assert.equal((await client.refresh(good)).status, 200)
  })

  it('goes on where the store went back in time, and shows which others were used (T3)', async (test) => {
    const clock = movableClock()
    const installation = await startInstallation({ clock })
    test.after(() => installation.close())
    const client = new OAuthClient(installation.url)
    const database = new DatabaseSync(join(installation.data, 'portcullis.sqlite'))
    test.after(() => database.close())
    const tokens = [(await client.signIn({ scope: 'mcp:tools:read' })).refresh_token]
    const refresh = async (): Promise<void> => {
      const { status, body } = await client.refresh(tokens.at(-1) as string)
      assert.equal(status, 200)
      tokens.push(body.refresh_token)
    }
    await refresh()
    database.exec(
      `create table earlier as select id, refresh_token, refresh_serial from artifacts where model = 'Grant'`,
    )
    for (let use = 0; use < 3; use++) await refresh()
    database.exec(
      `update artifacts set (refresh_token, refresh_serial) = (select refresh_token, refresh_serial from earlier where earlier.id = artifacts.id) where model = 'Grant'`,
    )
    await refresh()
    await refresh()
    assert.equal(new Set(tokens).size, 7)
    assert.equal((await client.refresh(tokens[5] as string)).body.refresh_token, tokens[6])
    const stolen = await client.refresh(tokens[3] as string)
    assert.equal(stolen.body.error, 'invalid_grant', 'its use is lost, and cannot be a moment ago')
    assert.equal((await client.refresh(tokens[6] as string)).body.error, 'invalid_grant')
  })

  it('of an earlier version goes on, within its window too, and is not used twice (T3, N21)', async (test) => {
    const clock = movableClock()
    const installation = await startInstallation({ clock })
    test.after(() => installation.close())
    const client = new OAuthClient(installation.url)
    const folder = installation.data
    const store = await openStore({ folder, secret: loadMasterSecret({ folder }), clock })
    test.after(() => store.close())
    /** Signs in, and puts the refresh token where earlier versions had it, after one that was used. */
    const signInEarlier = async (name: string): Promise<void> => {
      await client.signIn({ scope: 'mcp:tools:read' })
      const all = await store.artifacts.list('Grant', { text: '', skip: 0, most: 9 })
      const grant = all.find(({ refreshToken }) => refreshToken?.serial === 0)
      const grantId = String(grant?.payload['jti'])
      await store.artifacts.removeGrants([grantId])
      const { payload: granted } = grant as { payload: Record<string, unknown> }
      await store.artifacts.put({ model: 'Grant', id: grantId, grantId, payload: granted })
      for (const id of [`${name} used`, name]) {
        const payload = { ...grant?.refreshToken?.payload, jti: id }
        await store.artifacts.put({ model: 'RefreshToken', id, grantId, payload })
      }
      await store.artifacts.consume('RefreshToken', `${name} used`)
    }
    await signInEarlier('old')
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.refresh('old')))
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
    assert.equal(new Set(answers.map(({ body }) => body.refresh_token)).size, 1)
    const next = await client.refresh((answers[0] as TokenAnswer).body.refresh_token)
    assert.equal(next.status, 200)
    assert.equal((await client.refresh('old')).body.refresh_token, answers[0]?.body.refresh_token)
    clock.advance(20_001)
    assert.equal((await client.refresh('old')).body.error, 'invalid_grant')
    assert.equal((await client.refresh(next.body.refresh_token)).body.error, 'invalid_grant')

    await signInEarlier('other')
    assert.equal((await client.refresh('other used')).body.error, 'invalid_grant')
    assert.equal((await client.refresh('other')).body.error, 'invalid_grant', 'its grant has ended')
  })
})
