import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigurationInvalid } from '../../src/config/problems.ts'
import { problemTexts } from '../support/config-problems.ts'

const mode = 'production' as const
const publicUrl = 'https://mcp.example.com'

describe('a name that nothing would ever match', () => {
  it('is refused among hosts, origins and variables, as is a value in the place of its name, which is not repeated', () => {
    const base = {
      mode,
      publicUrl,
      allowedHosts: [
        'mcp.internal',
        'mcp.internal:8443',
        '[::1]:3002',
        'https://mcp.internal',
        '*.internal',
        'mcp.internal/mcp',
      ],
      cors: {
        origins: [
          'https://a.example',
          'https://[::1]:8443',
          'https://*.example',
          'https://A.example',
          'https://a.example:443',
        ],
      },
      listen: { adminNames: ['portcullis', '10.0.0.5', 'portcullis:3005', 'http://portcullis'] },
      upstreams: [
        { name: 'a', command: ['a'], environment: ['API_TOKEN', '*', 'API_TOKEN=abc', '$API_TOKEN'] },
      ],
    }
    const host =
      'must be a host such as mcp.internal or mcp.internal:8443, without scheme, path and wildcards'
    const origin =
      'must be an origin such as https://app.example.com, in lower case, without a default port and wildcards'
    const name = 'must be a host name such as portcullis, without scheme, port and wildcards'
    const variable =
      'must be the name of a variable alone, such as API_TOKEN: its value is the one that Portcullis was started with'
    assert.throws(
      () => loadConfig({ base }),
      (error) => {
        assert.ok(error instanceof ConfigurationInvalid)
        assert.deepEqual(error.problems.map(({ path, message }) => `${path}: ${message}`).toSorted(), [
          `allowedHosts[3]: ${host}`,
          `allowedHosts[4]: ${host}`,
          `allowedHosts[5]: ${host}`,
          `cors.origins[2]: ${origin}`,
          `cors.origins[3]: ${origin}`,
          `cors.origins[4]: ${origin}`,
          `listen.adminNames[2]: ${name}`,
          `listen.adminNames[3]: ${name}`,
          `upstreams[0].environment[2]: ${variable}`,
          `upstreams[0].environment[3]: ${variable}`,
        ])
        return true
      },
    )
  })
})

describe('what a URL of ours is made of', () => {
  it('has nothing that clients leave out or resolve, with which they would ask for something else', () => {
    for (const end of ['?', '#', '/gate?', '/gate#'])
      assert.deepEqual(problemTexts({ base: { mode, publicUrl: `${publicUrl}${end}` } }), [
        'publicUrl: must have no query and no fragment',
      ])
    const at = (path: string): string[] =>
      problemTexts({ base: { upstreams: [{ name: 'files', path, url: 'http://127.0.0.1:9000/mcp' }] } })
    for (const path of ['/.', '/..', '/a/../authorize', '/mcp/.'])
      assert.deepEqual(at(path), ['upstreams[0].path: must be a path such as /mcp or /files/mcp'])
    for (const path of ['/.files', '/...', '/v1.2/mcp']) assert.deepEqual(at(path), [])
  })
})

describe('a folder of Portcullis', () => {
  it('has no ~ or variable at its beginning: another one would be created, with another secret and an empty store', () => {
    const fix =
      'must be the path of a folder as it is: ~ and variables are not replaced, and it has no space at either end'
    for (const path of ['~/portcullis', '~', '$HOME/portcullis', ' /data', '/data\n'])
      assert.deepEqual(problemTexts({ base: { data: path, audit: { folder: path } } }), [
        `data: ${fix}`,
        `audit.folder: ${fix}`,
      ])
    for (const path of ['/data', './.portcullis', 'C:\\Program Files\\portcullis', '/var/a~b/$c'])
      assert.deepEqual(problemTexts({ base: { data: path, audit: { folder: path } } }), [])
  })
})

describe('the limit of a tool', () => {
  it('is not that of a pattern, which would limit nothing', () => {
    const limited = (toolsPerMinute: Record<string, number>): string[] => {
      const upstreams = [{ name: 'files', url: 'http://127.0.0.1:9000/mcp', limits: { toolsPerMinute } }]
      return problemTexts({ base: { upstreams } })
    }
    assert.deepEqual(limited({ 'delete_*': 5 }), [
      'upstreams[0].limits.toolsPerMinute: must name each tool in full, or have * alone, which stands for each tool that is not named: no patterns',
    ])
    assert.deepEqual(limited({ '*': 60, delete_file: 5 }), [])
  })
})

describe('the name of a domain or host', () => {
  it('has no dot at either end: a rule that refuses such a domain would refuse nobody', () => {
    const names = ['.evil.example', 'evil.example.', '.', 'evil..example', '-evil.example']
    const provider = { issuer: 'https://id.example.com', clientId: 'p' }
    const base = {
      mode,
      publicUrl,
      login: { providers: [{ ...provider, allow: { domains: ['example.com'] }, deny: { domains: names } }] },
      registration: { documents: { allowedHosts: [...names, 'app-1.example.com', 'localhost'] } },
      tokens: { profiles: names.map((redirectHost) => ({ redirectHost, accessTokenSeconds: 60 })) },
    }
    const wrong = problemTexts({ base })
    for (const place of [
      'login.providers[0].deny.domains[',
      'registration.documents.allowedHosts[',
      'tokens.profiles[',
    ]) {
      const told = wrong.filter((one) => one.startsWith(place))
      assert.equal(told.length, names.length, place)
      for (const one of told) assert.match(one, /must be a name in lower case without a dot at either end/)
    }
  })
})

describe('the hosts of documents', () => {
  const hosts = (documents: { enabled?: boolean; allowedHosts: string[] }): string[] =>
    problemTexts({ base: { registration: { documents } } })

  it('may be none where documents are not accepted anyway', () => {
    assert.deepEqual(hosts({ enabled: false, allowedHosts: [] }), [])
    assert.match(
      hosts({ allowedHosts: [] }).join(),
      /^registration\.documents\.allowedHosts: must name a host/,
    )
  })

  it('are not also said to be missing where each of them is wrong', () => {
    const wrong = hosts({ allowedHosts: ['.example.com', 'https://example.com'] })
    assert.deepEqual(
      wrong.map((one) => one.split(':')[0]),
      ['registration.documents.allowedHosts[0]', 'registration.documents.allowedHosts[1]'],
    )
  })
})

describe('the URL of a database', () => {
  it('may lead to a host or to a socket, with or without a user, for the store and for the audit', () => {
    for (const url of [
      'postgres://u:p@db:5432/portcullis?sslmode=require',
      'postgresql://[::1]/portcullis',
      'postgres:///portcullis?host=/run/postgresql',
      'postgres://u@/portcullis?host=/run/postgresql',
      'postgres://u:p@/portcullis?host=/run/postgresql',
    ]) {
      const sinks = [{ kind: 'postgres' as const, name: 'copy', url }]
      const { store } = loadConfig({ base: { secret: 's'.repeat(43), store: { url }, audit: { sinks } } })
      assert.equal(store.url, url)
    }
    const sinks = [{ kind: 'postgres' as const, name: 'copy' }]
    const base = { secret: 's'.repeat(43), audit: { sinks } }
    assert.deepEqual(problemTexts({ base: { ...base, store: { url: 'postgres:///portcullis' } } }), [])
    assert.match(problemTexts({ base }).join(), /^audit\.sinks\[0\]\.url: .*, unless store\.url is one$/)
  })
})

it('the URL of a database or a Redis that could not be used shows its password neither here nor at the start (B4)', () => {
  const secret = 's'.repeat(43)
  for (const url of ['postgres:/u:hunter2@db/portcullis', 'postgres:u:hunter2@db/portcullis']) {
    const told = problemTexts({ base: { secret, store: { url } } }).join()
    assert.match(told, /^store\.url: must be a URL such as postgres:\/\/user:password@host:5432\/database$/)
  }
  for (const redis of [
    'redis:/u:hunter2@db',
    'redis://:hunter2%zz@db',
    'redis://hunter2%:41@db',
    'redis://:hunter2@db/first',
  ]) {
    const told = problemTexts({ base: { limits: { redis } } }).join()
    assert.match(
      told,
      /^limits\.redis: must be a URL such as redis:\/\/user:password@host:6379\/0, with %25 for %/,
    )
  }
  for (const redis of [
    'redis://db',
    'rediss://u:p%25w@db:6380/3',
    'redis://db/0/',
    'redis://:p@[::1]/0?family=6',
  ])
    assert.deepEqual(problemTexts({ base: { limits: { redis } } }), [])
})

it('a value that would mean something else than it seems is refused', () => {
  const issuer = { issuer: 'https://issuer.example', audiences: ['a'] }
  for (const [base, says] of [
    [{ traces: { endpoint: 'https://:word@collector.example' } }, /^traces\.endpoint: .*no user information/],
    [{ issuers: [{ ...issuer, issuer: 'https://issuer.example?a' }] }, /^issuers\[0\]\.issuer: .*no query/],
    [{ issuers: [{ ...issuer, algorithms: [] }] }, /^issuers\[0\]\.algorithms: /],
    [{ trustedProxies: ['10.1'] }, /^trustedProxies\[0\]: must be an IP address or a network/],
    [{ trustedProxies: ['10.1/16'] }, /^trustedProxies\[0\]: must be an IP address or a network/],
    [{ secret: 's'.repeat(43), store: { url: 'postgres://db/' } }, /^store\.url: must be a URL such as/],
  ] as const)
    assert.match(problemTexts({ base: structuredClone(base) as never }).join(), says)
})

describe('the address of a listener', () => {
  it('is not empty, as of a variable that is not set: it would be every address of the machine', () => {
    const environment = {
      PORTCULLIS_MODE: 'production',
      PORTCULLIS_PUBLIC_URL: 'https://mcp.example.com',
      PORTCULLIS_LISTEN_HOST: '',
      PORTCULLIS_LISTEN_INTERNAL_HOST: '',
      PORTCULLIS_LISTEN_ADMIN_HOST: '',
    }
    const fix = 'must be an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them'
    assert.deepEqual(problemTexts({ environment }), [
      `listen.host: ${fix}`,
      `listen.internalHost: ${fix}`,
      `listen.adminHost: ${fix}`,
    ])
  })

  it('is none of the numbers that resolvers read as addresses, of which 0 is every address of the machine', () => {
    const base = (internalHost: string) => ({ mode, publicUrl, listen: { internalHost } })
    for (const host of [
      '0',
      '00',
      '0x0',
      '0.0',
      '127.1',
      '2130706433',
      ' ',
      '127.0.0.1 ',
      '[::1]',
      '127.0.0.1:80',
    ])
      assert.match(
        problemTexts({ base: base(host) }).join(),
        /^listen\.internalHost: must be an address/,
        host,
      )
    for (const host of [
      '0.0.0.0',
      '::',
      '::1',
      'fe80::1%eth0',
      '10.0.0.5',
      'localhost',
      'Gate-1.internal',
      'my_host',
    ])
      assert.deepEqual(problemTexts({ base: base(host) }), [], host)
  })

  it('is on this machine alone in development mode, that of the admin port too', () => {
    const listen = { host: '::1', internalHost: '::1', adminHost: '0.0.0.0' }
    assert.deepEqual(problemTexts({ base: { listen } }), [
      'listen.adminHost: must be a loopback address in development mode, where anybody can log in',
    ])
  })

  it('speaks TLS for a URL that is https, which production mode demands anyway', () => {
    const base = { listen: { tls: { certificate: 'a', key: 'b' } }, publicUrl: 'http://localhost' }
    assert.match(problemTexts({ base }).join(), /^publicUrl: must be https where listen\.tls makes/)
    assert.deepEqual(problemTexts({ base: { ...base, mode: 'production' } }), [
      'publicUrl: must be https in production mode; to try things out on loopback, set mode: development',
    ])
  })
})

describe('a variable', () => {
  it('with a number has it in decimal, and one with a mistyped name is told of the right one', () => {
    const environment = {
      PORTCULLIS_LISTEN_GATEWAY: '0x10',
      PORTCULLIS_WORKERS: '1e1',
      PORTCULLIS_SECRTE_FILE: 'x',
    }
    assert.deepEqual(problemTexts({ environment }), [
      'PORTCULLIS_SECRTE_FILE: there is no such setting; did you mean PORTCULLIS_SECRET_FILE?',
      'listen.gateway: must be a whole number from 0 to 65535',
      'workers: must be a whole number from 1 to 256',
    ])
  })

  it('with a fraction has it as a decimal number', () => {
    const ratio = (text: string): unknown =>
      loadConfig({ environment: { PORTCULLIS_TRACES_SAMPLE_RATIO: text } }).traces.sampleRatio
    assert.deepEqual(['0.25', '.5', '1', '0'].map(ratio), [0.25, 0.5, 1, 0])
    for (const text of ['', '1.5', '-0.5', '1e-1', '10%', '0,5'])
      assert.throws(() => ratio(text), /traces\.sampleRatio: must be a number from 0 to 1/, text)
  })
})
