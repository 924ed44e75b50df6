import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { listSettings } from '../../src/config/settings.ts'
import { problemTexts } from '../support/config-problems.ts'

const problems = (config: object): string[] => problemTexts({ base: config })

const server = { name: 'files', url: 'http://127.0.0.1:9000/mcp' }

describe('scopes of the operator', () => {
  it('can be named wherever a scope is', () => {
    const scopes = {
      'archive:write': 'Change the archive',
      'https://scopes.example/read': 'Read the archive',
    }
    const names = Object.keys(scopes)
    const upstreams = [{ ...server, baselineScopes: names, methods: { 'x/y': names } }]
    const clients = [
      { id: 'robot', secret: 's'.repeat(32), grantTypes: ['client_credentials'], scopes: names },
    ]
    const issuers = [{ issuer: 'https://login.example.com', scopes: names, scopeMap: { a: names } }]
    assert.deepEqual(problems({ scopes, upstreams, clients, issuers }), [])
  })

  it('have names that clients can ask for and that are not those of others', () => {
    const scopes = Object.fromEntries(
      ['a b', 'mcp', 'mcp:more', 'openid', 'offline_access', 'a:*', 'a::b', ':a', 'a'.repeat(129)].map(
        (name) => [name, 'Do it'],
      ),
    )
    const found = problems({ scopes })
    assert.equal(found.length, Object.keys(scopes).length, found.join('\n'))
    for (const problem of found) assert.match(problem, /^scopes[.[].*: (?:must|has a meaning of its own)/)
    assert.match(problems({ scopes: { 'a:b': '' } }).join(), /^scopes/, 'words are needed')
  })

  it('stand in the file alone: no variable can hold a list of pairs', () => {
    const setting = listSettings().find(({ path }) => path.join('.') === 'scopes')
    assert.equal(setting?.type, 'object')
    assert.equal(setting.variable, undefined)
    assert.throws(
      () => loadConfig({ environment: { PORTCULLIS_SCOPES: '{}' } }),
      /PORTCULLIS_SCOPES: there is no such setting/,
    )
  })

  it('that are wrong themselves make nothing else wrong', () => {
    const upstreams = [{ ...server, baselineScopes: ['archive:write'] }]
    assert.equal(problems({ scopes: { 'archive:write': 1 }, upstreams }).length, 1)
  })

  it('are looked up, and what is meant is said', () => {
    const scopes = { 'archive:write': 'Change the archive' }
    const upstreams = [
      {
        ...server,
        baselineScopes: ['archive:wirte'],
        methods: { 'x/y': ['other'] },
        listenFilters: { events: ['others'] },
      },
    ]
    const clients = [{ id: 'editor', redirectUris: ['https://app.example.com/back'], scopes: ['other'] }]
    const issuers = [{ issuer: 'https://login.example.com', scopes: ['other'], scopeMap: { a: ['other'] } }]
    assert.deepEqual(problems({ scopes, upstreams, clients, issuers }), [
      'upstreams[0].baselineScopes[0]: is neither a scope of MCP nor one of `scopes`; did you mean archive:write?',
      'upstreams[0].methods.x/y[0]: is neither a scope of MCP nor one of `scopes`; name it there with its words',
      ...[
        'upstreams[0].listenFilters.events[0]',
        'clients[0].scopes[0]',
        'issuers[0].scopes[0]',
        'issuers[0].scopeMap.a[0]',
      ].map(
        (path) => `${path}: is neither a scope of MCP nor one of \`scopes\`; name it there with its words`,
      ),
    ])
  })
})
