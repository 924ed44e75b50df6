import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { request } from 'undici'
import { type Installation, startInstallation } from '../support/installation.ts'

async function begin(test: TestContext, newPerMinute: number): Promise<Installation> {
  const installation = await startInstallation({ config: { registration: { newPerMinute } } })
  test.after(() => installation.close())
  return installation
}

const fresh = (): object => ({ redirect_uris: ['http://127.0.0.1:1/callback'], client_name: randomUUID() })

/** Registers as the gateway would hand it on from an address. */
async function registerFrom(
  { authorizationServerUrl, url }: Installation,
  address: string,
  metadata = fresh(),
): Promise<{ status: number; body: Record<string, string>; retryAfter: string }> {
  const { host } = new URL(url)
  const { statusCode, headers, body } = await request(`${authorizationServerUrl}/register`, {
    method: 'POST',
    headers: { host, 'content-type': 'application/json', 'x-forwarded-for': address },
    body: JSON.stringify(metadata),
  })
  return {
    status: statusCode,
    retryAfter: String(headers['retry-after']),
    body: (await body.json()) as Record<string, string>,
  }
}

describe('registrations in bulk (A56, N16)', () => {
  it('are slowed down for one address, which does not stop others', async (test) => {
    const installation = await begin(test, 12)
    for (let index = 0; index < 3; index++)
      assert.equal((await registerFrom(installation, '203.0.113.1')).status, 201)
    const refused = await registerFrom(installation, '203.0.113.1')
    assert.equal(refused.status, 429)
    assert.equal(refused.body['error'], 'temporarily_unavailable')
    assert.match(refused.retryAfter, /^[1-9]\d?$/)
    assert.equal((await registerFrom(installation, '203.0.113.2')).status, 201)
  })

  it('are slowed down altogether, wherever they come from', async (test) => {
    const installation = await begin(test, 12)
    const answers = []
    for (let index = 0; index < 14; index++)
      answers.push((await registerFrom(installation, `2001:db8:${index}::1`)).status)
    assert.deepEqual(answers, [...Array.from({ length: 12 }, () => 201), 429, 429])
  })

  it('of one program behind one address are none: it is known already', async (test) => {
    const installation = await begin(test, 4)
    const metadata = fresh()
    for (let index = 0; index < 10; index++)
      assert.equal((await registerFrom(installation, '203.0.113.1', metadata)).status, 201)
  })

  it('of one network count together, however many addresses it has', async (test) => {
    const installation = await begin(test, 4)
    assert.equal((await registerFrom(installation, '2001:db8:1:1::1')).status, 201)
    assert.equal((await registerFrom(installation, '2001:db8:1:2::9')).status, 429)
  })

  it('of what is known are limited too, and write nothing until an hour has gone', async (test) => {
    const installation = await begin(test, 4)
    const known = fresh()
    const id = (await registerFrom(installation, '203.0.113.1', known)).body['client_id']
    const table = new DatabaseSync(join(installation.data, 'portcullis.sqlite'))
    test.after(() => table.close())
    const clients = () => table.prepare('SELECT expires_at FROM clients WHERE id = ?').get(String(id))
    const moveBack = (milliseconds: number) =>
      table.prepare('UPDATE clients SET expires_at = expires_at - ?').run(milliseconds)
    const begun = Number(clients()?.['expires_at'])
    moveBack(1_800_000)
    assert.equal((await registerFrom(installation, '203.0.113.1', known)).body['client_id'], id)
    assert.equal(clients()?.['expires_at'], begun - 1_800_000)
    moveBack(1_900_000)
    await registerFrom(installation, '203.0.113.1', known)
    assert.ok(Number(clients()?.['expires_at']) >= begun)
    const statuses = new Set<number>()
    for (let index = 0; index < 40; index++)
      statuses.add((await registerFrom(installation, '203.0.113.1', known)).status)
    assert.deepEqual([...statuses], [201, 429])
    assert.equal((await registerFrom(installation, '203.0.113.2', known)).status, 201)
  })
})
