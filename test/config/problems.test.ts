import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { configFile, problemsOf, problemTexts } from '../support/config-problems.ts'

const problems = (text: string, environment: Record<string, string> = {}): string[] =>
  problemTexts({ file: configFile(text), environment })

const upstream = 'upstreams: [{ name: a, url: http://127.0.0.1:9000/mcp }]'

describe('the problems of a configuration', () => {
  it('name the variable or the flag that a wrong value comes from, and not the file', () => {
    const path = configFile(`workers: 2\n${upstream}`)
    const environment = {
      PORTCULLIS_WORKERS: 'two',
      PORTCULLIS_CORS_ORIGINS: 'https://a.example,b',
      PORTCULLIS_CONSENT_REMEMBER_DAYS_FILE: configFile('many'),
    }
    const places = (sources: Parameters<typeof problemsOf>[0]): Record<string, string | undefined> =>
      Object.fromEntries(problemsOf(sources).map((problem) => [problem.path, problem.place]))
    assert.deepEqual(places({ file: path, environment, flags: { log: { level: 'loud' } } }), {
      workers: 'PORTCULLIS_WORKERS',
      'cors.origins[1]': 'PORTCULLIS_CORS_ORIGINS',
      'consent.rememberDays': 'PORTCULLIS_CONSENT_REMEMBER_DAYS_FILE',
      'log.level': '--log-level',
    })
    const base = { upstreams: [{ name: 'a', url: '127.0.0.1:8000/mcp' }] }
    const flags = { publicUrl: 'https://mcp.example.com' }
    assert.deepEqual(places({ base, flags, environment: { PORTCULLIS_PUBLIC_URL: 'http://[::1]:1' } }), {
      'upstreams[0].url': '--upstream',
      publicUrl: '--public-url',
    })
  })

  it('name the method of MCP that one in other letters means, which would stand beside it unguarded', () => {
    const methods = { 'Tools/call': [], 'logging/setlevel': [], 'tools/list': [], 'x/Tools': [] }
    assert.deepEqual(
      problems(
        `upstreams: [{ name: a, url: http://127.0.0.1:9000/mcp, methods: ${JSON.stringify(methods)} }]`,
      ),
      [
        'upstreams[0].methods.Tools/call: is no method of MCP; did you mean tools/call?',
        'upstreams[0].methods.logging/setlevel: is no method of MCP; did you mean logging/setLevel?',
      ],
    )
  })

  it('say of what is missing in which line it would stand', () => {
    const text = `clients:\n  - redirectUris: [https://x]\n  - id: a\n    grantTypes: [client_credentials]\n    secret: $NOWHERE\n  - id: b\n    grantTypes: [client_credentials]\n`
    const environment = {}
    assert.throws(
      () => loadConfig({ file: configFile(text), environment }),
      ({ message }: Error) =>
        /clients\[1\]\.secret: the variable \$NOWHERE is not set \(\S+:5\)/.test(message) &&
        /clients\[0\]\.id: is missing: give it a value \(\S+:2\)/.test(message) &&
        /clients\[2\]\.secret: is missing: a client with client_credentials .* or jwks \(\S+:6\)/.test(
          message,
        ),
    )
  })

  it('are told of the items of a list that are right, whatever is wrong with others', () => {
    const found = problems(`mode: production
publicUrl: mcp.example.com
store: { url: mysql://x }
upstreams:
  - { name: wrong, path: /wrong, url: http://x, objects: { tools: { deny: x } } }
  - { name: a, path: /a }
  - { name: a, path: /b, url: http://x }
login:
  users: none
  providers: [{ preset: google }, { preset: google, clientId: x }]
clients:
  - { id: b, redirectUris: [https://x], upstreams: [wrong, a], grantTypes: [refresh_token, "urn:ietf:params:oauth:grant-type:jwt-bearer"], secret: long-enough }
grants: { identityAssertions: [{ issuer: x }] }
audit: { sinks: [{ kind: postgres, name: s }, { kind: tape, name: s }] }
tenants:
  - { name: t, host: t.example.com, upstreams: [{ name: t, path: /first }, { name: u, url: http://x }, { name: u, path: /u, url: http://x }] }
  - { name: v, upstreams: [hello] }
  - { name: t, upstreams: [{ name: t, url: http://x }] }
`)
    assert.deepEqual(
      found.filter((one) => !one.startsWith('login.')),
      [
        'publicUrl: must be an http or https URL',
        'store.url: must be a URL such as postgres://user:password@host:5432/database',
        'upstreams[0].objects.tools.deny: must be a list, such as ["delete_*"]',
        'grants.identityAssertions[0].issuer: must be an http or https URL',
        'audit.sinks[1].kind: must be one of http, syslog, postgres',
        'tenants[1].upstreams[0]: must hold settings, each with its name: a value',
        'upstreams[1]: has neither url nor command: give it one of them',
        'upstreams[2].name: "a" is taken by an earlier server',
        'tenants[0].upstreams[0]: has neither url nor command: give it one of them',
        'tenants[0].upstreams[2].name: "u" is taken by an earlier server',
        'tenants[2].name: "t" is taken by an earlier tenant',
      ],
    )
    const logins = found.filter((one) => one.startsWith('login.'))
    assert.ok(logins.includes('login.providers[0].clientId: is missing: give it a value'), logins.join('\n'))
    assert.ok(
      logins.some((one) => one.startsWith('login.providers[1].clientId: must be ')),
      logins.join('\n'),
    )
  })

  const wrong: [string, string, RegExp][] = [
    [
      'a mode that is nearly right',
      'mode: producton',
      /^mode: must be one of .*; did you mean production\?$/,
    ],
    [
      'a command that is no list',
      'upstreams: [{ name: a, command: node stdio.mjs }]',
      /^upstreams\[0\]\.command: must be a list, such as \[node, server\.js\]$/,
    ],
    [
      'a command without a word',
      'upstreams: [{ name: a, command: [] }]',
      /^upstreams\[0\]\.command: must not be empty$/,
    ],
    ['a name without a value', 'clients:', /^clients: must not be empty: give it a value, or take it away$/],
    [
      'a server without a name',
      'upstreams: [{ url: http://x }]',
      /^upstreams\[0\]\.name: is missing: give it a value$/,
    ],
    [
      'a number for a text',
      'upstreams: [{ name: 5, url: http://x }]',
      /name: must be a text: put it in quotes$/,
    ],
    [
      'a text for yes or no',
      'upstreams: [{ name: a, url: http://x, mayAsk: { roots: x } }]',
      /true or false/,
    ],
    [
      'a server with two addresses',
      'upstreams: [{ name: a, url: http://x, command: [x] }]',
      /^upstreams\[0\]: has both url and command/,
    ],
    ...['https://x.example/?a', 'https://x.example/#a'].map((url): [string, string, RegExp] => [
      `the public URL ${url}`,
      `mode: production\npublicUrl: '${url}'`,
      /^publicUrl: must have no query and no fragment$/,
    ]),
    ...['https://a@x.example', 'https://:a@x.example'].flatMap((url): [string, string, RegExp][] => [
      [
        `the public URL ${url}`,
        `mode: production\npublicUrl: '${url}'`,
        /^publicUrl: must have no user information/,
      ],
      [
        `the URL ${url} of a server`,
        `upstreams: [{ name: a, url: '${url}' }]`,
        /^upstreams\[0\]\.url: must have no user information: secrets have settings of their own$/,
      ],
    ]),
    ...['mysql://host/database', 'postgres://host', 'postgres://host/', 'host'].map(
      (url): [string, string, RegExp] => [
        `the store ${url}`,
        `store: { url: '${url}' }`,
        /^store\.url: must be/,
      ],
    ),
    [
      'a client with two ways to prove itself',
      'clients: [{ id: c, secret: long-enough, jwks: { keys: [{ kty: OKP, crv: Ed25519, x: AA }] } }]',
      /^clients\[0\]\.jwks: is an alternative to secret: give one of them$/,
    ],
    [
      'a client whose key is no public one',
      'clients: [{ id: c, jwks: { keys: [{ kty: OKP, crv: Ed25519, x: AA, d: AA }] } }]',
      /^clients\[0\]\.jwks: has a private key: leave the private members out$/,
    ],
    [
      'a client with a name that fits no page',
      `clients: [{ id: c, name: ${'x'.repeat(101)} }]`,
      /^clients\[0\]\.name: must have at most 100 characters$/,
    ],
    [
      'a token for registration that is not there',
      'registration: { dynamic: token }',
      /^registration\.initialAccessToken: must be set when dynamic is token$/,
    ],
    [
      'a token for registration that nobody is asked for',
      `registration: { initialAccessToken: ${'x'.repeat(32)} }`,
      /^registration\.initialAccessToken: is asked of nobody while dynamic is open: set registration\.dynamic: token/,
    ],
    [
      'documents of no host, which would be announced all the same',
      'registration: { documents: { allowedHosts: [] } }',
      /^registration\.documents\.allowedHosts: must name a host; to accept no documents, set enabled: false/,
    ],
    [
      'a redirect URI that runs something',
      'registration: { privateUseRedirects: ["javascript:alert(1)"] }',
      /^registration\.privateUseRedirects\[0\]: must be a URI with a scheme of its own that runs nothing/,
    ],
    [
      'two sinks of one name',
      'audit: { sinks: [{ kind: http, name: s, url: https://x }, { kind: http, name: s, url: https://y }] }',
      /^audit\.sinks\[1\]\.name: "s" is taken by an earlier sink$/,
    ],
    [
      'a sink that no database is named for',
      'audit: { sinks: [{ kind: postgres, name: s }] }',
      /^audit\.sinks\[0\]\.url: must be a URL such as postgres:.*unless store\.url is one$/,
    ],
    [
      'a sink in another kind of database',
      'audit: { sinks: [{ kind: postgres, name: s, url: mysql://x/y }] }',
      /^audit\.sinks\[0\]\.url: must be a URL such as postgres:/,
    ],
    [
      'two providers of assertions that are one',
      'grants: { identityAssertions: [{ issuer: https://x }, { issuer: https://x }] }',
      /^grants\.identityAssertions\[1\]\.issuer: is listed twice$/,
    ],
    [
      'two providers of assertions with one prefix',
      'grants: { identityAssertions: [{ issuer: https://x, subjectPrefix: "a:" }, { issuer: https://y, subjectPrefix: "a:" }] }',
      /^grants\.identityAssertions\[1\]\.subjectPrefix: belongs to an earlier identity provider$/,
    ],
  ]
  for (const [what, text, expected] of wrong) {
    it(`say what to write in place of ${what}`, () => {
      const found = problems(text)
      assert.ok(
        found.some((problem) => expected.test(problem)),
        found.join('\n'),
      )
    })
  }

  it('name the variable whose file cannot be read, where a setting refers to it', () => {
    assert.deepEqual(
      problems('clients: [{ id: c, redirectUris: [https://x], secret: $NAMED }]', { NAMED_FILE: '/none' }),
      [
        'clients[0].secret: the variable $NAMED names /none, which does not exist: name the file that holds the value',
      ],
    )
  })

  it('are told once of a variable that is not set, and not again of the setting that lacks its value', () => {
    assert.deepEqual(problems('audit: { sinks: [{ name: s, kind: http, url: $NOT_SET }] }'), [
      'audit.sinks[0].url: the variable $NOT_SET is not set',
    ])
  })

  it('are none where a variable says yes or no', () => {
    const enabled = (text: string) =>
      loadConfig({ environment: { PORTCULLIS_REGISTRATION_DOCUMENTS_ENABLED: text } }).registration.documents
        .enabled
    assert.deepEqual([enabled('true'), enabled('false')], [true, false])
    assert.match(
      problems('', { PORTCULLIS_REGISTRATION_DOCUMENTS_ENABLED: 'no' }).join(),
      /must be true or false/,
    )
  })

  it('suggest the variable that a mistyped one may mean', () => {
    assert.deepEqual(problems(upstream, { PORTCULLIS_PUBLIC_ULR: 'x' }), [
      'PORTCULLIS_PUBLIC_ULR: there is no such setting; did you mean PORTCULLIS_PUBLIC_URL?',
    ])
  })

  it('name listeners in each other’s way, where they are to be served', () => {
    const ports = (listen: string, more = ''): string[] =>
      problemsOf({
        file: configFile(
          `${upstream}\nmode: production\npublicUrl: https://x.example\nlisten: { ${listen} }\n${more}`,
        ),
        needsServer: true,
      }).map(({ path, message }) => `${path}: ${message}`)
    assert.deepEqual(ports('gateway: 3700, authorizationServer: 3700'), [
      'listen.authorizationServer: is 3700, as listen.gateway is: give each a port of its own',
    ])
    assert.deepEqual(ports('host: 0.0.0.0, gateway: 3005'), [
      'listen.admin: is 3005, as listen.gateway is: give each a port of its own',
    ])
    for (const taken of [
      'host: LOCALHOST, gateway: 3005',
      'internalHost: 0.0.0.0, gateway: 3005',
      'internalHost: "::", gateway: 3005',
    ])
      assert.match(ports(taken).join(), /^listen\.admin: is 3005, as listen\.gateway is/, taken)
    for (const good of [
      'gateway: 0, authorizationServer: 0, admin: 0',
      'host: "::", gateway: 3003, internalHost: authorization-server',
      'host: 0.0.0.0, gateway: 3003, internalHost: "::1"',
      'host: 127.0.0.2, gateway: 3003',
      'host: 0.0.0.0, gateway: 3003, internalHost: authorization-server',
      'adminHost: 127.0.0.2, admin: 3002',
    ])
      assert.deepEqual(ports(good), [], good)
    const external = 'authorizationServer: external\nissuers: [{ issuer: https://login.example.com }]'
    assert.deepEqual(ports('gateway: 3003', external), [])
    const flags = { listen: { gateway: 3003 } }
    assert.deepEqual(
      problemsOf({ flags }),
      [],
      'a command that serves nothing may name the port of a gateway',
    )
  })
})
