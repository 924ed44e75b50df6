import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { siteOf } from '../../src/core/site.ts'
import { pickTenant } from '../../src/http/pick-tenant.ts'

describe('the tenant that has a host name of its own', () => {
  const acme = { name: 'acme', site: siteOf('https://acme.example'), hasHost: true, value: 'acme' }
  const pick = pickTenant('own', [acme], '/t/')

  it('is found by it, with its default port or without', () => {
    for (const host of ['acme.example', 'ACME.example', 'acme.example:443'])
      assert.equal(pick({ url: '/mcp', headers: { host } } as Parameters<typeof pick>[0]), 'acme', host)
    for (const host of ['acme.example:80', 'acme.example:8443', 'acme.example.', 'evil.example'])
      assert.equal(pick({ url: '/mcp', headers: { host } } as Parameters<typeof pick>[0]), 'own', host)
  })
})
