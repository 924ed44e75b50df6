import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { configFile, problemTexts } from '../support/config-problems.ts'

const problems = (text: string, environment: Record<string, string> = {}): string[] =>
  problemTexts({ file: configFile(text), environment })

const upstream = 'upstreams: [{ name: a, url: http://127.0.0.1:9000/mcp }]'

describe('configuration', () => {
  it('has a default for everything', () => {
    const config = loadConfig({})
    assert.equal(config.publicUrl, 'http://127.0.0.1:3002')
    assert.equal(config.mode, 'development')
    assert.equal(config.tokens.codeSeconds, 60)
    assert.equal(config.tokens.accessTokenSeconds, 3600)
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.tokens))
  })

  it('leaves the paths of Portcullis itself to it', () => {
    for (const path of [
      '/token',
      '/account',
      '/assets/x',
      '/authorize/mcp',
      '/.well-known/mcp',
      '/gateway/jwks',
    ])
      assert.match(
        problems(`upstreams: [{ name: a, path: ${path}, url: http://127.0.0.1:9/mcp }]`).join(),
        /^upstreams\[0\]\.path: must not begin with /,
      )
    assert.deepEqual(problems('upstreams: [{ name: a, path: /tokens/mcp, url: http://127.0.0.1:9/mcp }]'), [])
  })

  it('takes a value from the file that a variable with _FILE names, for a setting and for what the file refers to', () => {
    const named = configFile('postgres://u:p@db/portcullis\n')
    const text = `${upstream}\nsecret: ${'s'.repeat(43)}\nclients: [{ id: c, secret: $MY_SECRET, grantTypes: [client_credentials], scopes: [mcp:tools] }]`
    const environment = {
      PORTCULLIS_STORE_URL_FILE: named,
      MY_SECRET_FILE: configFile('\uFEFFa secret of the file\r\n'),
    }
    const config = loadConfig({ file: configFile(text), environment })
    assert.equal(config.store.url, 'postgres://u:p@db/portcullis')
    assert.equal(config.clients[0]?.secret, 'a secret of the file')
  })

  it('says what is wrong with such a file, and nothing of what it holds', () => {
    const missing = problems(upstream, { PORTCULLIS_SECRET_FILE: '/nowhere/secret' })
    assert.deepEqual(missing, [
      'PORTCULLIS_SECRET_FILE: names /nowhere/secret, which does not exist: name the file that holds the value',
    ])
    const both = { PORTCULLIS_SECRET: 'a', PORTCULLIS_SECRET_FILE: configFile('b'), PORTCULLIS_DATA_FILE: '' }
    assert.deepEqual(problems(upstream, both), [
      'PORTCULLIS_SECRET: is set, and so is PORTCULLIS_SECRET_FILE: set one of them',
      'PORTCULLIS_DATA_FILE: names no file: set it to one, or take it away',
    ])
    assert.deepEqual(problems(upstream, { PORTCULLIS_NO_SUCH_FILE: '/x' }), [
      'PORTCULLIS_NO_SUCH_FILE: there is no such setting',
    ])
    const wrong = problems(upstream, { PORTCULLIS_STORE_URL_FILE: configFile('mysql://u:hidden@db/x') })
    assert.ok(wrong.length > 0 && !wrong.join().includes('hidden'))
  })

  it('lets the file override the command, the environment the file, and flags everything', () => {
    const path = configFile(`listen: { gateway: 2, admin: 2 }\ntokens: { codeSeconds: 2 }\n${upstream}`)
    const environment = {
      PORTCULLIS_LISTEN_GATEWAY: '3',
      PORTCULLIS_CORS_ORIGINS: 'https://a.example, https://b.example',
    }
    const base = { listen: { gateway: 1, admin: 1, demo: 1 } }
    const config = loadConfig({ base, file: path, environment, flags: { listen: { gateway: 4 } } })
    assert.deepEqual(
      [config.listen.gateway, config.listen.admin, config.listen.demo, config.tokens.codeSeconds],
      [4, 2, 1, 2],
    )
    assert.deepEqual(config.cors.origins, ['https://a.example', 'https://b.example'])
    assert.equal(config.publicUrl, 'http://127.0.0.1:4', 'the public URL follows the port')
  })

  it('takes a public URL with a path, and spells it without a slash at the end (AM5)', () => {
    for (const spelling of ['https://host.example/team/gate', 'https://HOST.example:443/team/./gate/']) {
      const config = loadConfig({ base: { mode: 'production', publicUrl: spelling } })
      assert.equal(config.publicUrl, 'https://host.example/team/gate')
    }
  })

  it('tells every problem at once, with its path', () => {
    const found = problems(
      `mode: production\npublicUrl: http://mcp.example.com/a%20path\nlogin: { users: development }\ntokens: { codeSeconds: 601, lifetime: 3 }\nupstream: []\n` +
        `upstreams:\n  - { name: A, path: mcp }\n  - { name: b, url: http://x/mcp, command: [a] }\n  - { name: b, url: http://x/mcp }\n`,
      { PORTCULLIS_TYPO: '1' },
    )
    for (const expected of [
      /^PORTCULLIS_TYPO: there is no such setting/,
      /^tokens\.codeSeconds: .*600/,
      /^tokens\.lifetime: there is no such setting/,
      /^upstream: there is no such setting/,
      /^upstreams\[0\]\.name: /,
      /^upstreams\[0\]\.path: /,
      /^publicUrl: must have a path of letters, digits/,
      /^publicUrl: must be https in production mode/,
      /^login\.users: must not be development in production mode/,
    ]) {
      assert.ok(
        found.some((problem) => expected.test(problem)),
        `${expected} in\n${found.join('\n')}`,
      )
    }
  })

  const wrong: [string, string, RegExp][] = [
    [
      'development on a public host',
      'publicUrl: http://mcp.example.com',
      /must be a loopback URL in development mode/,
    ],
    [
      'a list in metadata that would be empty (D6)',
      'upstreams: [{ name: a, url: http://x, baselineScopes: [] }]',
      /baselineScopes: /,
    ],
    [
      'a listen filter that MCP knows',
      'upstreams: [{ name: a, url: http://x, listenFilters: { toolsListChanged: [] } }]',
      /listenFilters: must not name an entry that MCP knows/,
    ],
    [
      'development on every address, at a URL of this machine',
      'publicUrl: http://127.0.0.1:1\nlisten: { host: 0.0.0.0 }',
      /must be a loopback address/,
    ],
    ['production without a URL', 'mode: production\nlogin: { users: none }', /^publicUrl: must be set/],
    ['a URL with a query', 'publicUrl: http://127.0.0.1/?a', /no query/],
    [
      'a path that has several spellings',
      'mode: production\npublicUrl: https://host.example/te%61m',
      /must have a path of letters, digits and . _ ~ - alone, such as \/gate or \/team\/gate, or none/,
    ],
    [
      'an empty segment in a path',
      'mode: production\npublicUrl: https://host.example/team//gate',
      /must have a path of letters, digits/,
    ],
    [
      'a path in place of well-known documents',
      'mode: production\npublicUrl: https://host.example/.well-known/gate',
      /must have no \.well-known in its path/,
    ],
    ['a server without an address', 'upstreams: [{ name: a }]', /has neither url nor command/],
    [
      'a transport of HTTP for a command',
      'upstreams: [{ name: a, command: [x], transport: sse }]',
      /transport: works only for a server with a url/,
    ],
    [
      'the old transport in the new era',
      'upstreams: [{ name: a, path: /a, url: http://x, transport: sse, era: modern }, { name: b, url: http://x, transport: sse, era: both }]',
      /(?:era: must be legacy or auto with transport: sse[^]*){2}/,
    ],
    [
      'a legacy process for all',
      'upstreams: [{ name: a, command: [x], era: legacy, principals: shared }]',
      /must be isolated for a legacy server/,
    ],
    [
      'settings of processes for a server that is none',
      'upstreams: [{ name: a, url: http://x, principals: shared, environment: [T], processes: 4, processesPerCaller: 4, memoryMegabytes: 64 }]',
      /(?:\.(?:environment|processes|processesPerCaller|memoryMegabytes|principals): works only for a server with a command[^]*){5}/,
    ],
    [
      'two servers of one name',
      'upstreams: [{ name: a, url: http://x }, { name: a, path: /b, url: http://x }]',
      /"a" is taken/,
    ],
    [
      'two servers on one path',
      'upstreams: [{ name: a, url: http://x }, { name: b, url: http://x }]',
      /"\/mcp" is taken/,
    ],
    [
      'a machine without a secret',
      'clients: [{ id: a, grantTypes: [client_credentials], scopes: [mcp:tools] }]',
      /secret: is missing/,
    ],
    [
      'a machine without scopes',
      'clients: [{ id: a, secret: long-enough, grantTypes: [client_credentials] }]',
      /clients\[0\]\.scopes: is missing: with client_credentials/,
    ],
    [
      'a machine with an empty list of scopes',
      'clients: [{ id: a, secret: long-enough, grantTypes: [client_credentials], scopes: [] }]',
      /clients\[0\]\.scopes: is missing: with client_credentials/,
    ],
    ['a client with the id of a person (R17)', 'clients: [{ id: usr_a }]', /must not begin with usr_/],
    [
      'a client with a grant that is off',
      'clients: [{ id: a, grantTypes: ["urn:ietf:params:oauth:grant-type:device_code"] }]',
      /grantTypes\[0\]: works only with grants\.deviceCode: on/,
    ],
    [
      'a client for a server that there is not',
      'upstreams: [{ name: a, url: http://x }]\nclients: [{ id: a, redirectUris: [https://x], upstreams: [b] }]',
      /clients\[0\]\.upstreams\[0\]: there is no server "b"/,
    ],
    [
      'two identity providers with one prefix',
      'grants: { identityAssertions: [{ issuer: https://a, jwksUri: https://a, subjectPrefix: "x:" }, { issuer: https://b, jwksUri: https://b, subjectPrefix: "x:" }] }',
      /subjectPrefix: belongs to an earlier/,
    ],
    ['a client without a redirect URI', 'clients: [{ id: a }]', /redirectUris: is missing/],
    [
      'two clients of one id',
      'clients: [{ id: a, redirectUris: [https://x] }, { id: a, redirectUris: [https://x] }]',
      /"a" is taken/,
    ],
    [
      'a secret from nowhere',
      'clients: [{ id: a, secret: $NOWHERE, redirectUris: [https://x] }]',
      /\$NOWHERE is not set/,
    ],
    ...['größenwahn', 'long-enough\\n', 'long\\tenough'].map((secret): [string, string, RegExp] => [
      `a secret that no client could use: ${secret}`,
      `clients: [{ id: a, secret: "${secret}", redirectUris: [https://x] }]`,
      /^clients\[0\]\.secret: must consist of letters, digits, signs and spaces of ASCII$/,
    ]),
    [
      'a scope that there is not',
      'upstreams: [{ name: a, url: http://x, baselineScopes: [mcp:tool] }]',
      /baselineScopes\[0\]: is neither a scope of MCP nor one of `scopes`; did you mean mcp:tools\?/,
    ],
    [
      'development on every address',
      'listen: { host: 0.0.0.0 }',
      /^listen\.host: must be a loopback address/,
    ],
    [
      'internal listeners on every address',
      'listen: { internalHost: "::" }',
      /^listen\.internalHost: must be/,
    ],
    [
      'a redirect URI that is none',
      'clients: [{ id: a, redirectUris: [x] }]',
      /redirectUris\[0\]: is not a URL/,
    ],
    [
      'a key that is nearly right',
      'publicURL: http://127.0.0.1:1',
      /no such setting; did you mean publicUrl\?/,
    ],
    [
      'a number out of bounds',
      'tokens: { accessTokenSeconds: -5 }',
      /must be a whole number from 30 to 86400/,
    ],
    ['a text', 'hello', /must hold settings/],
    ['broken YAML', 'a: [', /portcullis\.yaml:1:\d+: /],
    ['a key that stands twice', 'mode: production\nmode: development', /portcullis\.yaml:2:1: .*unique/],
  ]
  for (const [what, text, expected] of wrong) {
    it(`refuses ${what}`, () => {
      assert.match(problems(text).join('\n'), expected)
    })
  }

  it('says in which line', () => {
    assert.throws(
      () => loadConfig({ file: configFile(`mode: development\n\ntokens:\n  codeSeconds: 0\n`) }),
      /codeSeconds: .* \(.*portcullis\.yaml:4\)/,
    )
  })

  it('asks for a server where one is needed', () => {
    assert.throws(
      () => loadConfig({ file: configFile(''), needsServer: true }),
      /upstreams: must name at least one MCP server/,
    )
  })

  it('names a file that is not there', () => {
    assert.throws(() => loadConfig({ file: '/nowhere.yaml' }), /\/nowhere\.yaml: there is no such file/)
  })

  it('takes the secret of a client from a variable', () => {
    const text =
      'clients: [{ id: a, secret: $MY_SECRET, grantTypes: [client_credentials], scopes: [mcp:tools] }]'
    const config = loadConfig({ file: configFile(text), environment: { MY_SECRET: 'long-enough' } })
    assert.equal(config.clients[0]?.secret, 'long-enough')
  })

  it('keeps people in production, and asks for a name alone in development, unless it says otherwise', () => {
    const production = `mode: production\npublicUrl: https://mcp.example.com/\n${upstream}`
    assert.equal(loadConfig({ file: configFile(production) }).login.users, 'local')
    assert.equal(loadConfig({}).login.users, 'development')
    assert.equal(loadConfig({ file: configFile('login: { users: local }') }).login.users, 'local')
  })

  it('accepts a production without people', () => {
    assert.deepEqual(
      problems(`mode: production\npublicUrl: https://mcp.example.com/\nlogin: { users: none }\n${upstream}`),
      [],
    )
  })
})
