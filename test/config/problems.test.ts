import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigurationInvalid, type Problem } from '../../src/config/problems.ts'

type Sources = Parameters<typeof loadConfig>[0]

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'portcullis-problems-')), 'portcullis.yaml')
  writeFileSync(path, text)
  return path
}

function problemsOf(sources: Sources): readonly Problem[] {
  try {
    loadConfig(sources)
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.problems
    throw error
  }
  return []
}

/** The problems of a configuration, as `path: message`. */
const problems = (text: string, environment: Record<string, string> = {}): string[] =>
  problemsOf({ file: file(text), environment }).map(({ path, message }) => `${path}: ${message}`)

const upstream = 'upstreams: [{ name: a, url: http://127.0.0.1:9000/mcp }]'

describe('the problems of a configuration', () => {
  it('name the variable or the flag that a wrong value comes from, and not the file', () => {
    const path = file(`workers: 2\n${upstream}`)
    const environment = {
      PORTCULLIS_WORKERS: 'two',
      PORTCULLIS_CORS_ORIGINS: 'https://a.example,b',
      PORTCULLIS_CONSENT_REMEMBER_DAYS_FILE: file('many'),
    }
    const places = (sources: Sources): Record<string, string | undefined> =>
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

  it('say of what is missing in which line it would stand', () => {
    const text = `clients:\n  - redirectUris: [https://x]\n  - id: a\n    grantTypes: [client_credentials]\n    secret: $NOWHERE\n  - id: b\n    grantTypes: [client_credentials]\n`
    const environment = {}
    assert.throws(
      () => loadConfig({ file: file(text), environment }),
      ({ message }: Error) =>
        /clients\[1\]\.secret: the variable \$NOWHERE is not set \(\S+:5\)/.test(message) &&
        /clients\[0\]\.id: is needed \(\S+:2\)/.test(message) &&
        /clients\[2\]\.secret: is needed for client_credentials, or jwks \(\S+:6\)/.test(message),
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
        'upstreams[1]: needs either url or command',
        'upstreams[2].name: "a" is taken by an earlier server',
        'tenants[0].upstreams[0]: needs either url or command',
        'tenants[0].upstreams[2].name: "u" is taken by an earlier server',
        'tenants[2].name: "t" is taken by an earlier tenant',
      ],
    )
    const logins = found.filter((one) => one.startsWith('login.'))
    assert.ok(logins.includes('login.providers[0].clientId: is needed'), logins.join('\n'))
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
    ['a server without a name', 'upstreams: [{ url: http://x }]', /^upstreams\[0\]\.name: is needed$/],
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

  it('suggest the variable that a mistyped one may mean', () => {
    assert.deepEqual(problems(upstream, { PORTCULLIS_PUBLIC_ULR: 'x' }), [
      'PORTCULLIS_PUBLIC_ULR: there is no such setting; did you mean PORTCULLIS_PUBLIC_URL?',
    ])
  })

  it('name listeners in each other’s way, where they are to be served', () => {
    const ports = (listen: string, more = ''): string[] =>
      problemsOf({
        file: file(
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
    for (const good of [
      'gateway: 0, authorizationServer: 0, admin: 0',
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
