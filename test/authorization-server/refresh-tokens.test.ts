import assert from 'node:assert/strict'
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
    const store = await openStore({ folder, secret: loadMasterSecret(undefined, folder), clock })
    const [grant] = await store.artifacts.list('Grant', { text: '', skip: 0, most: 1 })
    await store.close()
    assert.equal(grant?.refreshToken?.serial, 1)
    for (const token of [first.refresh_token, body.refresh_token, body.access_token])
      assert.ok(!JSON.stringify(grant).includes(token))
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

  it('of an earlier version goes on, within its window too, and is not used twice (T3, N21)', async (test) => {
    const clock = movableClock()
    const installation = await startInstallation({ clock })
    test.after(() => installation.close())
    const client = new OAuthClient(installation.url)
    const folder = installation.data
    const store = await openStore({ folder, secret: loadMasterSecret(undefined, folder), clock })
    test.after(() => store.close())
    /** Signs in, and puts the refresh token where earlier versions had it, after one that was used. */
    const signInEarlier = async (name: string): Promise<void> => {
      await client.signIn({ scope: 'mcp:tools:read' })
      const all = await store.artifacts.list('Grant', { text: '', skip: 0, most: 9 })
      const grant = all.find(({ refreshToken }) => refreshToken?.serial === 0)
      const grantId = String(grant?.payload['jti'])
      await store.artifacts.removeGrant(grantId)
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
