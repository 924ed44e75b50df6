import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { problemTexts } from '../support/config-problems.ts'

const base = {
  mode: 'production',
  publicUrl: 'https://mcp.example.com',
  authorizationServer: 'external',
  upstreams: [{ name: 'files', path: '/mcp', url: 'http://127.0.0.1:9000/mcp' }],
} satisfies ConfigInput

const entra = 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0'
const good = {
  keycloak: { preset: 'keycloak', issuer: 'https://kc.example.com/realms/company' },
  entra: { preset: 'entra', issuer: entra, audiences: ['66666666-7777-8888-9999-000000000000'] },
  auth0: { preset: 'auth0', issuer: 'https://company.eu.auth0.com/' },
  okta: { preset: 'okta', issuer: 'https://company.okta.com/oauth2/default' },
  google: { preset: 'google', audiences: ['https://mcp.example.com/mcp'], scopes: ['mcp:tools'] },
  'google, by a claim': {
    preset: 'google',
    audiences: ['https://mcp.example.com/mcp'],
    scopeMap: { staff: ['mcp:tools'] },
  },
  other: { issuer: 'https://login.example.com' },
} as const

const problems = (config: object): string[] => problemTexts({ base: { ...base, ...config } })

describe('the setting issuers', () => {
  for (const [name, issuer] of Object.entries(good)) {
    it(`is right as it stands here for ${name}`, () => assert.deepEqual(problems({ issuers: [issuer] }), []))
  }

  for (const [what, issuer, problem] of [
    [
      'keycloak without issuer',
      { ...good.keycloak, issuer: undefined },
      /\.issuer: is missing: give one, such as .*realms/,
    ],
    [
      'keycloak without realm',
      { ...good.keycloak, issuer: 'https://kc.example.com' },
      /does not fit the preset keycloak/,
    ],
    [
      'entra without audiences',
      { ...good.entra, audiences: undefined },
      /audiences: is missing: give the application/,
    ],
    [
      'entra for every tenant',
      { ...good.entra, issuer: entra.replace(/\/[0-9-]{36}/, '/common') },
      /does not fit the preset entra: give one such as .*directory \(tenant\) ID/,
    ],
    [
      'auth0 without the slash',
      { ...good.auth0, issuer: 'https://company.eu.auth0.com' },
      /slash at the end/,
    ],
    [
      'okta of the org',
      { ...good.okta, issuer: 'https://company.okta.com' },
      /tokens of the org itself can be verified by Okta alone/,
    ],
    [
      'google without audiences',
      { ...good.google, audiences: undefined },
      /audiences: is missing: give the audience/,
    ],
    ['google without scopes', { ...good.google, scopes: [] }, /scopes: is missing: .* such as \[mcp:tools\]/],
    ['plain http', { issuer: 'http://login.example.com' }, /issuer: must be https/],
    [
      'keys over plain http',
      { ...good.other, jwksUri: 'http://login.example.com/keys' },
      /jwksUri: must be https/,
    ],
    [
      'introspection without a secret',
      { ...good.other, introspection: { clientId: 'g' } },
      /introspection\.clientSecret: has no secret/,
    ],
    [
      'a scope that there is not',
      { ...good.other, scopeMap: { x: ['files:read'] } },
      /scopeMap\.x\[0\]: is neither a scope of MCP nor one of `scopes`/,
    ],
  ] as const) {
    it(`names what is wrong and its fix: ${what}`, () => {
      const found = problems({ issuers: [issuer] })
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0] ?? '', problem)
    })
  }

  it('has each issuer once, and one alone that is asked about opaque tokens (A66)', () => {
    const introspection = { clientId: 'g', clientSecret: 'a-secret' }
    assert.match(problems({ issuers: [good.other, good.other] })[0] ?? '', /\[1\]\.issuer: is listed twice/)
    const both = [good.other, good.okta].map((issuer) => ({ ...issuer, introspection }))
    assert.match(problems({ issuers: both })[0] ?? '', /\[1\]\.introspection: can be set for one issuer only/)
  })

  it('has none that is the authorization server of ours, whose tokens count by its own keys (A66)', () => {
    const issuers = [{ issuer: 'https://mcp.example.com' }]
    const own = { authorizationServer: 'own', login: { users: 'local' }, issuers }
    for (const publicUrl of ['https://mcp.example.com', 'https://MCP.example.com/'])
      assert.match(problems({ ...own, publicUrl })[0] ?? '', /^issuers\[0\]\.issuer: is our own authoriz/)
    assert.deepEqual(problems({ ...own, publicUrl: 'https://mcp.example.com/gate' }), [])
    assert.deepEqual(problems({ issuers }), [], 'it may run in another place')
  })

  it('refuses what has no effect without an authorization server of ours', () => {
    const issuers = [good.other]
    assert.match(problems({ issuers: [] })[0] ?? '', /^issuers: must name the issuer/)
    for (const [path, config] of [
      ['login.providers', { login: { providers: [{ issuer: 'https://x.example', clientId: 'p' }] } }],
      ['login.users', { login: { users: 'local' } }],
      ['clients', { clients: [{ id: 'x', redirectUris: ['https://x.example/cb'] }] }],
      ['grants.identityAssertions', { grants: { identityAssertions: [{ issuer: 'https://x.example' }] } }],
      ['grants.deviceCode', { grants: { deviceCode: 'on' } }],
      ['grants.tokenExchange', { grants: { tokenExchange: 'on' } }],
    ] as const) {
      const [found = ''] = problems({ issuers, ...config })
      assert.match(found, new RegExp(`^${path}: has no effect .* or set authorizationServer: own`))
    }
  })
})
