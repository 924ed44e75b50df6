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

describe('the tenant that has a path', () => {
  const acme = { name: 'acme', site: siteOf('https://gate.example/t/acme'), hasHost: false, value: 'acme' }
  const pick = pickTenant('own', [acme], '/t/')
  const tenantAt = (url: string): string =>
    pick({ url, headers: { host: 'gate.example' } } as Parameters<typeof pick>[0])

  it('is found by its name, in a path and in that of a well-known document', () => {
    for (const url of [
      '/t/acme',
      '/t/acme/',
      '/t/acme/mcp',
      '/t/acme?x=/',
      '/.well-known/oauth-protected-resource/t/acme/mcp',
      '/.well-known/openid-configuration/t/acme?x',
    ])
      assert.equal(tenantAt(url), 'acme', url)
    for (const url of [
      '/',
      '/mcp',
      '/x/acme',
      '/t/',
      '/t/acmex/mcp',
      '/t/acm/mcp',
      '/T/acme/mcp',
      '/t/%61cme/mcp',
      '/a/t/acme/mcp',
      '/.well-known/a/b/t/acme',
      '/.well-known/acme',
    ])
      assert.equal(tenantAt(url), 'own', url)
  })
})
