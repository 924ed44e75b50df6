import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changedSettings, needingRestart } from '../../src/config/changes.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigurationInvalid } from '../../src/config/problems.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { configOfTenant } from '../../src/config/tenant.ts'

const upstreams = [{ name: 'one', path: '/mcp', url: 'http://127.0.0.1:9/mcp' }]
const production: ConfigInput = { mode: 'production', publicUrl: 'https://gate.example.com' }

const load = (tenants: NonNullable<ConfigInput['tenants']>, base: ConfigInput = production) =>
  loadConfig({ base: { ...base, tenants }, needsServer: true })

describe('the configuration of tenants', () => {
  it('has a public URL and data for each, and nothing of another', () => {
    const config = load(
      [
        { name: 'acme', upstreams },
        { name: 'globex', host: 'mcp.globex.example', upstreams },
      ],
      {
        ...production,
        data: '/data',
        cors: { origins: ['https://app.example.com'] },
        tokens: { accessTokenSeconds: 60 },
        clients: [{ id: 'mine', redirectUris: ['https://app.example.com/back'] }],
        limits: { redis: 'redis://127.0.0.1', perMinute: 5, headerBytes: 8192 },
        allowedHosts: ['other.example.com'],
      },
    )
    const [acme, globex] = config.tenants.map((tenant) => configOfTenant(config, tenant))
    assert.equal(acme?.publicUrl, 'https://gate.example.com/t/acme')
    assert.equal(globex?.publicUrl, 'https://mcp.globex.example')
    assert.equal(acme?.data, '/data/tenants/acme')
    assert.deepEqual([acme?.allowedHosts, globex?.allowedHosts], [['other.example.com'], []])
    for (const own of [acme, globex]) {
      assert.deepEqual(own?.clients, [])
      assert.deepEqual(own?.cors.origins, [])
      assert.equal(own?.tokens.accessTokenSeconds, 3600)
      assert.equal(own?.limits.perMinute, undefined)
      assert.equal(own?.limits.headerBytes, 8192, 'what holds before anybody is known holds for all')
      assert.equal(own?.limits.redis, 'redis://127.0.0.1', 'where counts are kept is for all to share')
      assert.equal(own?.login.users, 'local')
      assert.ok(Object.isFrozen(own) && Object.isFrozen(own?.limits))
    }
  })

  it('does not name the authorization server of the tenant itself among its issuers', () => {
    const issuers = (issuer: string) => [{ issuer, scopes: ['mcp:tools'] }]
    const tenants = [
      { name: 'acme', upstreams, issuers: issuers('https://gate.example.com/t/acme') },
      {
        name: 'globex',
        host: 'mcp.globex.example',
        upstreams,
        issuers: issuers('https://mcp.globex.example'),
      },
      { name: 'third', upstreams, issuers: issuers('https://gate.example.com/t/acme') },
    ]
    const isOwn = 'is our own authorization server, whose tokens count without it: take it away'
    assert.throws(
      () => load(tenants),
      ({ problems }: ConfigurationInvalid) => {
        assert.deepEqual(
          problems.map(({ path, message }) => [path, message.slice(0, isOwn.length)]),
          [0, 1].map((index) => [`tenants[${index}].issuers[0].issuer`, isOwn]),
        )
        return true
      },
    )
  })

  it('is checked as that of an installation, with paths that say where', () => {
    const client = { id: 'same', redirectUris: ['https://app.example.com/back'] }
    assert.throws(
      () =>
        load([
          { name: 'acme', upstreams, clients: [client, client], login: { users: 'development' } },
          { name: 'acme', upstreams: [{ ...upstreams[0]!, path: '/t/mcp' }] },
          { name: 'default', upstreams: [] },
          { name: 'third', upstreams, host: 'gate.example.com' },
          { name: 'fourth', upstreams, host: 'a.example.com' },
          { name: 'fifth', upstreams, host: 'a.example.com:443' },
        ]),
      (error: Error) => {
        for (const expected of [
          'tenants[0].clients[1].id: "same" is taken',
          'tenants[0].login.users: must not be development',
          'tenants[1].name: "acme" is taken',
          'tenants[1].upstreams[0].path: must not begin with /t',
          'tenants[2].name: must not be default',
          'tenants[2].upstreams: must name at least one MCP server',
          'tenants[3].host: is the name of the installation itself',
          'tenants[5].host: "a.example.com:443" is taken',
        ])
          assert.ok(error.message.includes(expected), `${expected}\n${error.message}`)
        assert.doesNotMatch(error.message, /tenants\[4\]/)
        return true
      },
    )
  })

  it('is not said to lack what is there, and wrong by itself', () => {
    const redirectUris = ['https://app.example.com/back']
    const wrong = [{ ...upstreams[0]!, url: 'nowhere' }]
    assert.throws(
      () =>
        load([
          { name: 'good', upstreams },
          { name: 'acme', upstreams: wrong, clients: [{ id: 'mine', redirectUris, upstreams: ['one'] }] },
        ]),
      ({ problems }: ConfigurationInvalid) => {
        assert.deepEqual(
          problems.map(({ path }) => path),
          ['tenants[1].upstreams[0].url'],
        )
        return true
      },
    )
  })

  it('refuses names that are no segment of a path, and in development mode hosts of others', () => {
    for (const name of ['', 'Acme', 'a/b', '-a', 'a_b', '..', 'a'.repeat(33)])
      assert.throws(() => load([{ name, upstreams }]), /tenants\[0\]\.name/, name)
    assert.throws(
      () => load([{ name: 'a', host: 'a.example.com', upstreams }], { publicUrl: 'http://127.0.0.1:3002' }),
      /tenants\[0\]\.host: must be below localhost/,
    )
    for (const name of ['a.example.com', 'A.example.com', 'a.example.com:443'])
      assert.throws(
        () =>
          load([{ name: 'a', host: 'a.example.com', upstreams }], { ...production, allowedHosts: [name] }),
        /tenants\[0\]\.host: is the name of the installation itself/,
        name,
      )
    assert.throws(
      () => load([{ name: 'a', host: 'localhost', upstreams }], { publicUrl: 'http://127.0.0.1:3002' }),
      /tenants\[0\]\.host: is the name of the installation itself/,
    )
    assert.equal(
      load([{ name: 'a', host: 'a.localhost', upstreams }], { publicUrl: 'http://127.0.0.1:3002' }).tenants
        .length,
      1,
    )
  })

  it("refuses what cannot be one tenant's alone, and hosts that are none", () => {
    const of = (more: object) => () => load([{ name: 'a', upstreams, ...more }])
    for (const [setting, value] of Object.entries({
      mode: 'production',
      publicUrl: 'https://a.example.com',
      listen: {},
      data: '/a',
      secret: 's'.repeat(43),
      store: {},
      audit: {},
      log: {},
      traces: {},
      tenants: [],
      allowedHosts: [],
      trustedProxies: [],
    }))
      assert.throws(
        of({ [setting]: value }),
        new RegExp(`tenants\\[0\\]\\.${setting}: there is no such setting`),
      )
    for (const limit of ['headerBytes', 'headSeconds', 'requestSeconds'])
      assert.throws(of({ limits: { [limit]: 5000 } }), /there is no such setting/, limit)
    for (const host of [
      'a.example.com:99999',
      'https://a.example.com',
      'A.example.com',
      'a.example.com/x',
      '1.2.3.999',
      'a..example.com',
      'a-.example.com',
      `${'a'.repeat(64)}.example.com`,
      '1.2.3',
      '0x7f.1',
      '',
    ])
      assert.throws(of({ host }), /tenants\[0\]\.host: must be a host name in lower case/, host)
  })

  it('takes secrets of tenants from variables', () => {
    const client = {
      id: 'machine',
      secret: '$MACHINE',
      grantTypes: ['client_credentials' as const],
      scopes: ['mcp:tools'],
    }
    const base: ConfigInput = { ...production, tenants: [{ name: 'acme', upstreams, clients: [client] }] }
    const { tenants } = loadConfig({ base, environment: { MACHINE: 'm'.repeat(40) } })
    assert.equal(tenants[0]?.clients[0]?.secret, 'm'.repeat(40))
  })
})

describe('a change to tenants', () => {
  const acme = {
    name: 'acme',
    upstreams,
    clients: [{ id: 'a', redirectUris: ['https://app.example.com/back'] }],
  }
  const before = load([acme, { name: 'globex', upstreams }])
  const problemsOf = (tenants: NonNullable<ConfigInput['tenants']>): string[] =>
    needingRestart(changedSettings(before, load(tenants))).map(({ path }) => path)

  it('needs a restart where one moves, and else where it would anyway; which there are may change', () => {
    assert.deepEqual(
      problemsOf([
        { name: 'globex', upstreams },
        { ...acme, clients: [] },
      ]),
      [],
    )
    assert.deepEqual(problemsOf([acme]), [])
    const keycloak = { name: 'kc', preset: 'keycloak', issuer: 'https://kc.example.com/realms/a' } as const
    const login = { providers: [{ ...keycloak, clientId: 'a', clientSecret: 's'.repeat(32) }] }
    assert.ok(
      problemsOf([acme, { name: 'globex', upstreams, login }]).includes('tenants[globex].login.users'),
      'which is then another one',
    )
    assert.deepEqual(problemsOf([acme, { name: 'globex', upstreams }, { name: 'hooli', upstreams }]), [])
    assert.deepEqual(
      problemsOf([
        { ...acme, host: 'a.example.com', login: { users: 'none' }, limits: { redis: 'redis://127.0.0.1' } },
        { name: 'globex', upstreams, limits: { perMinute: 1 }, tokens: { signingAlgorithm: 'RS256' } },
      ]).toSorted(),
      [
        'tenants[acme].host',
        'tenants[acme].limits.redis',
        'tenants[acme].login.users',
        'tenants[globex].tokens.signingAlgorithm',
      ],
    )
  })
})
