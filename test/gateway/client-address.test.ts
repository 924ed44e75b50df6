import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Installation, startInstallation } from '../support/installation.ts'

const guess = (url: string, address: string): Promise<Response> =>
  fetch(`${url}/token`, {
    method: 'POST',
    headers: {
      'X-Forwarded-For': `203.0.113.9, ${address}`,
      Authorization: `Basic ${Buffer.from('machine:wrong').toString('base64')}`,
    },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })

async function guessUntilRefused(url: string, address: string): Promise<number> {
  for (let count = 0; count < 20; count++) {
    if ((await guess(url, address)).status === 429) return count
  }
  return 20
}

describe('limits by address behind a proxy', () => {
  let trusting: Installation
  let strict: Installation
  before(async () => {
    trusting = await startInstallation({ config: { trustedProxies: ['127.0.0.0/8', '::1'] } })
    strict = await startInstallation()
  })
  after(() => Promise.all([trusting.close(), strict.close()]))

  it('count each client that a trusted proxy names by itself, also at the gate (N30)', async () => {
    assert.equal(await guessUntilRefused(trusting.url, '198.51.100.1'), 10)
    assert.equal((await guess(trusting.url, '198.51.100.2')).status, 401)
    await fetch(`${trusting.url}/mcp`, { method: 'POST', headers: { 'X-Forwarded-For': '198.51.100.3' } })
    const addresses = new Set((await trusting.audit()).map(({ address }) => address))
    for (const last of [1, 2, 3]) assert.ok(addresses.has(`198.51.100.${last}`))
  })

  it('count a stranger by where the connection came from, whatever it says (A39)', async () => {
    assert.equal(await guessUntilRefused(strict.url, '198.51.100.1'), 10)
    assert.equal((await guess(strict.url, '198.51.100.2')).status, 429)
    assert.ok((await strict.audit()).every(({ address = '' }) => address.endsWith('127.0.0.1')))
  })

  it('have the log say once that a proxy seems not to be named, and of a named one nothing', async () => {
    for (let count = 0; count < 3; count++) await guess(strict.url, '198.51.100.1')
    const hints = (log: string): number => log.split('which trustedProxies does not name').length - 1
    assert.equal(hints(strict.log()), 1)
    assert.match(strict.log(), /X-Forwarded-For comes from 127\.0\.0\.1, which trustedProxies does not name/)
    await guess(trusting.url, '198.51.100.1')
    assert.equal(hints(trusting.log()), 0)
  })
})
