import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { echo } from '../support/spy-upstream.ts'

const minute = 60_000
const list = legacyRequest('tools/list')
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

let gate: GatedSpy
/** By how much the clock of the machine is wrong, for us and for every library. */
let wrong: number
beforeEach(async () => {
  wrong = 0
  const right = Date.now
  mock.method(Date, 'now', () => right() + wrong)
  gate = await startGatedSpy()
})
afterEach(async () => {
  await gate.close()
  mock.restoreAll()
})

const statusWith = async (token: string, headers: Record<string, string> = {}): Promise<number> =>
  (await gate.post(list, { token, headers })).status

describe('a clock that jumps (A72)', () => {
  for (const [what, jump] of [
    ['ten minutes ahead', 10 * minute],
    ['three hours back', -180 * minute],
  ] as const) {
    it(`${what}: nobody signs in again, and nothing counts twice`, async () => {
      gate.spy.answerWith((request, res) => {
        if (request.body.includes('"initialize"')) res.setHeader('mcp-session-id', 'of-the-server')
        echo(request, res)
      })
      const issued = await gate.oauth.authorize({ scope: 'mcp:*' })
      const { body: tokens } = await gate.oauth.redeem(issued)
      const other = await gate.oauth.signIn({ scope: 'mcp:*' })
      const opening = await gate.post(legacyRequest('initialize', { protocolVersion: '2025-11-25' }), {
        token: tokens.access_token,
      })
      const session = { 'mcp-session-id': opening.headers.get('mcp-session-id') ?? '' }

      let forms = 0
      const beforeSubmit = async (): Promise<void> => {
        if (++forms === 2) wrong = jump
      }
      const late = await gate.oauth.signIn({ scope: 'mcp:*' }, new FormBrowser({ beforeSubmit }))
      assert.deepEqual([forms, wrong], [2, jump], 'it happens between login and consent')
      assert.equal(await statusWith(late.access_token), 200)

      assert.equal(await statusWith(tokens.access_token), 200)
      assert.equal(await statusWith(tokens.access_token, session), 200)
      const refreshed = await gate.oauth.refresh(tokens.refresh_token)
      assert.equal(refreshed.status, 200)
      assert.equal(await statusWith(refreshed.body.access_token), 200)
      assert.equal((await gate.oauth.refresh(refreshed.body.refresh_token)).status, 200)
      assert.equal((await gate.oauth.redeem(issued)).body.error, 'invalid_grant')
      assert.equal((await gate.oauth.refresh(other.refresh_token)).status, 200)
    })
  }

  it('back opens no window again in which a used refresh token counts (A58)', async () => {
    const { refresh_token: token } = await gate.oauth.signIn({ scope: 'mcp:*' })
    const { body } = await gate.oauth.refresh(token)
    wrong = -180 * minute
    assert.equal((await gate.oauth.refresh(token)).body.error, 'invalid_grant')
    assert.equal((await gate.oauth.refresh(body.refresh_token)).body.error, 'invalid_grant')
  })

  it('ahead and back again: a token that was revoked stays so (A9)', async () => {
    const token = await gate.tokenFor('mcp:*')
    await gate.oauth.token({ token, client_id: 'user-client' }, { path: '/revoke' })
    assert.equal(await statusWith(token), 401)
    wrong = 180 * minute
    await wait(1300) // the list of revocations is read anew every second
    wrong = 0
    await wait(1300)
    assert.equal(await statusWith(token), 401)
  })
})
