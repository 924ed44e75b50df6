import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type Installation, startInstallation } from '../support/installation.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.ts'
import { csrfOf, Visitor } from '../support/visitor.ts'

let postgres: TestPostgres
let installation: Installation
before(async () => {
  postgres = await startPostgres()
  const store = { url: (await postgres.createDatabase()).url }
  const config = { login: { users: 'local' as const }, grants: { deviceCode: 'on' as const } }
  installation = await startInstallation({ store, config, host: 'localhost' })
})
after(async () => {
  await installation.close()
  await postgres.stop()
})

const post = async (path: string, body: string, headers = {}): Promise<number> => {
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const response = await fetch(installation.url + path, {
    method: 'POST',
    headers: { ...type, ...headers },
    body,
  })
  await response.text()
  return response.status
}

it('control characters of a request never come to the store (A56)', async () => {
  const basic = { authorization: `Basic ${Buffer.from('%00:secret').toString('base64')}` }
  const jwt = (claims: object): string =>
    `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`
  const assertion = `client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=${jwt({ sub: '\0', iss: '\0' })}`
  const statuses = {
    clientCredentials: await post('/token', 'grant_type=client_credentials&client_id=%00&client_secret=x'),
    basic: await post('/token', 'grant_type=client_credentials', basic),
    assertion: await post('/token', `grant_type=client_credentials&${assertion}`),
    code: await post('/token', 'grant_type=authorization_code&client_id=a%00b&code=%00'),
    refresh: await post('/token', 'grant_type=refresh_token&client_id=user-client&refresh_token=%00'),
    pushed: await post('/par', 'client_id=%00'),
    device: await post('/device_authorization', 'client_id=%00'),
    revocation: await post('/revoke', 'client_id=user-client&token=%00'),
    authorization: (await fetch(`${installation.url}/authorize?client_id=%00`)).status,
    registration: await post(
      '/register',
      JSON.stringify({ client_name: 'a\0b', redirect_uris: ['https://a.example/cb'] }),
      { 'content-type': 'application/json' },
    ),
  }
  for (const [name, status] of Object.entries(statuses)) assert.ok(status < 500, `${name}: ${status}`)
  const visitor = new Visitor(installation.url)
  const { status, html } = await visitor.submit('/login', { name: 'a\0b', password: 'x' })
  assert.equal(status, 422)
  const credential = JSON.stringify({ id: '\0', response: {} })
  const passkey = await visitor.post('/login/passkey', { csrf: csrfOf(html), credential })
  assert.equal(passkey.status, 422)
  assert.ok(!installation.log().includes('"fault"'), installation.log())
})
