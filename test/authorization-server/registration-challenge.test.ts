import assert from 'node:assert/strict'
import { it } from 'node:test'
import { startInstallation } from '../support/installation.ts'

it('a wrong initial access token is challenged for another one, not for a client to authenticate (R14)', async (test) => {
  const initialAccessToken = 'initial-access-token-of-the-tests'
  const installation = await startInstallation({
    config: { registration: { dynamic: 'token', initialAccessToken } },
  })
  test.after(() => installation.close())
  const headers = { 'content-type': 'application/json', authorization: 'Bearer wrong' }
  const { status, headers: answered } = await fetch(`${installation.url}/register`, {
    method: 'POST',
    headers,
    body: '{}',
  })
  assert.equal(status, 401)
  assert.match(answered.get('www-authenticate') ?? '', /^Bearer .*error="invalid_token"/)
})
