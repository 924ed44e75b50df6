import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { portcullis } from '../support/command.ts'
import { problemTexts } from '../support/config-problems.ts'
import { makeCertificate, type PairFiles, type TestPair, writePair } from '../support/local-tls.ts'

const good = makeCertificate()
const other = makeCertificate()
const day = 24 * 3600 * 1000

/** The problems of a configuration with these files, as `path: message`. */
function problems(
  files: Partial<PairFiles>,
  settings: ConfigInput = {},
  at: number | null = Date.now(),
): string[] {
  const base = { publicUrl: 'https://localhost:3002', ...settings, listen: { tls: files } } as ConfigInput
  return problemTexts({ base, ...(at === null ? {} : { certificateAt: at }) })
}

const of = (pair: TestPair, overrides: Partial<TestPair> = {}): PairFiles =>
  writePair({ ...pair, ...overrides })

function lock(key: string): string {
  const args = ['pkey', '-aes128', '-passout', 'pass:x']
  return execFileSync('openssl', args, { input: key, encoding: 'utf8' })
}

describe('the certificate of the gateway', () => {
  it('is right when it is valid, covers the host and belongs to the key (B3, D6)', () => {
    assert.deepEqual(problems(of(good)), [])
    assert.deepEqual(problems(of(good), { publicUrl: 'https://127.0.0.1:3002' }), [])
    assert.deepEqual(problems(of(good, { cert: `a note\n${good.cert}${other.cert}` })), [], 'with a chain')
    const wild = makeCertificate({ names: 'DNS:*.example.com' })
    const production = { mode: 'production', publicUrl: 'https://mcp.example.com' } as const
    assert.deepEqual(problems(of(wild), production), [])
    assert.match(
      problems(of(wild), { ...production, publicUrl: 'https://a.b.example.com' }).join(),
      /not a\.b\./,
    )
  })

  it('covers no host by its subject or by half a name, where no client looks (RFC 9525 section 2)', () => {
    const named = makeCertificate({ names: 'email:ada@example.com' })
    const host = new X509Certificate(named.cert).subject.replace('CN=', '').toLowerCase()
    const settings = { mode: 'production', publicUrl: `https://${host}` } as const
    assert.match(problems(of(named), settings).join(), /covers email:ada@example\.com, not portcullis-tls-/)
    const partial = makeCertificate({ names: 'DNS:m*.example.com,IP:::1' })
    const mcp = { mode: 'production', publicUrl: 'https://mcp.example.com' } as const
    assert.match(problems(of(partial), mcp).join(), /not mcp\.example\.com/)
    assert.deepEqual(problems(of(partial), { publicUrl: 'https://[::1]:3002' }), [])
  })

  it('covers the hosts of tenants as well', () => {
    const upstreams = [{ name: 'one', url: 'http://127.0.0.1:9/mcp' }]
    const settings: ConfigInput = {
      mode: 'production',
      publicUrl: 'https://mcp.example.com',
      tenants: [
        { name: 'acme', upstreams },
        { name: 'globex', upstreams, host: 'globex.example.com:8443' },
        { name: 'hooli', upstreams, host: 'mcp.hooli.example' },
      ],
    }
    const [only, ...others] = problems(of(makeCertificate({ names: 'DNS:*.example.com' })), settings)
    assert.deepEqual(others, [])
    assert.match(
      only ?? '',
      /covers \*\.example\.com, not mcp\.hooli\.example, the host of the tenant hooli: get one for mcp\.hooli\.example, or take/,
    )
  })

  const wrong: [string, () => Partial<PairFiles>, RegExp, ConfigInput?][] = [
    [
      'a file that is not there',
      () => ({ ...of(good), certificate: '/nowhere/cert.pem' }),
      /^listen\.tls\.certificate: \/nowhere\/cert\.pem does not exist: name the file that holds/,
    ],
    [
      'a folder',
      () => ({ ...of(good), key: tmpdir() }),
      /^listen\.tls\.key: .* is a folder: name the file in it/,
    ],
    [
      'a file that cannot be read',
      () => ({ ...of(good), key: '/proc/self/mem' }),
      /^listen\.tls\.key: \/proc\/self\/mem cannot be read \(\w+\): let the user that Portcullis runs as/,
    ],
    [
      'a file without a certificate',
      () => of(good, { cert: good.key }),
      /^listen\.tls\.certificate: .* holds no certificate in PEM: name the file that has it/,
    ],
    [
      'a damaged certificate',
      () => of(good, { cert: good.cert.replace(/\n.{20}/, '\n') }),
      /^listen\.tls\.certificate: .* holds a certificate that is damaged: get it anew/,
    ],
    [
      'a file without a key',
      () => of(good, { key: good.cert }),
      /^listen\.tls\.key: .* holds no private key in PEM: name the file/,
    ],
    [
      'a damaged key',
      () => of(good, { key: good.key.replace(/\n.{20}/, '\n') }),
      /^listen\.tls\.key: .* holds a private key that is damaged: restore it/,
    ],
    [
      'a key with a passphrase',
      () => of(good, { key: lock(good.key) }),
      /^listen\.tls\.key: .* is locked with a passphrase: write it without one: openssl pkey -in /,
    ],
    [
      'the key of another certificate',
      () => of(good, { key: other.key }),
      /^listen\.tls\.key: the key in .* does not belong to the certificate in .*: name the key/,
    ],
    [
      'a chain in the wrong order',
      () => of(good, { cert: other.cert + good.cert }),
      /^listen\.tls\.certificate: the certificate of the key stands behind others in .*: put it first/,
    ],
    [
      'a certificate that has expired',
      () => of(makeCertificate({ days: -1 })),
      /^listen\.tls\.certificate: the certificate in .* expired on \d{4}-\d\d-\d\d .* UTC: renew it/,
    ],
    [
      'a certificate of another host',
      () => of(makeCertificate({ names: 'DNS:a.example,IP:127.0.0.2' })),
      /^listen\.tls\.certificate: .* covers a\.example, 127\.0\.0\.2, not localhost, the host of publicUrl: get one for localhost, or put/,
    ],
    [
      'a key that is too short',
      () => of(makeCertificate({ newKey: ['rsa:1024'] })),
      /^listen\.tls\.certificate: TLS refuses the certificate in .* \(ee key too small\): get one with/,
    ],
    ['no certificate', () => ({ key: of(good).key }), /^listen\.tls\.certificate: must name the PEM file/],
    ['no key', () => ({ certificate: of(good).certificate }), /^listen\.tls\.key: must name the PEM file/],
    [
      'a public URL of plain http (B3)',
      () => of(good),
      /^publicUrl: must be https where listen\.tls makes the gateway speak TLS: give the https URL/,
      { publicUrl: 'http://localhost:3002' },
    ],
    [
      'a public URL of plain http in production (B3)',
      () => of(good),
      /^publicUrl: must be https in production mode/,
      { mode: 'production', publicUrl: 'http://localhost:3002' },
    ],
  ]
  for (const [what, files, expected, settings] of wrong) {
    it(`is refused for ${what}`, () => {
      const found = problems(files(), settings)
      assert.match(found.join('\n'), expected)
      assert.equal(found.length, 1, found.join('\n'))
    })
  }

  it('is refused without a public URL, and before its time', () => {
    const files = of(good)
    const unsaid = (): unknown => loadConfig({ base: { listen: { tls: files } } })
    assert.throws(unsaid, /publicUrl: must be set where listen\.tls/)
    assert.match(problems(files, {}, Date.now() - day).join(), /is not valid before .* UTC: use it later/)
    assert.match(problems(files, {}, Date.now() + 3 * day).join(), /expired on /)
  })

  it('has everything told that is wrong with it, and nothing of its key', () => {
    const expired = makeCertificate({ days: -1, names: 'DNS:a.example' })
    const found = problems({ certificate: of(expired).certificate, key: '/nowhere/key.pem' })
    assert.equal(found.length, 3, found.join('\n'))
    const locked = problems(of(good, { key: lock(good.key) })).join()
    for (const line of good.key.split('\n').slice(1, -2)) assert.ok(!locked.includes(line))
  })

  it('is not looked at by commands that work on the store alone', () => {
    assert.deepEqual(problems({ certificate: '/nowhere/cert.pem', key: '/nowhere/key.pem' }, {}, null), [])
  })
})

describe('portcullis check and serve with a certificate', () => {
  const file = (tls: PairFiles, more = ''): string => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-cli-'))
    const path = join(folder, 'portcullis.yaml')
    const text = `mode: production
publicUrl: https://mcp.example.com
data: ${folder}
listen:
  authorizationServer: 0
  admin: 0
  tls:
    certificate: ${tls.certificate}
    key: ${tls.key}
upstreams: [{ name: a, url: http://127.0.0.1:9000/mcp }]
${more}`
    writeFileSync(path, text)
    return path
  }

  it('say what is wrong with it, with everything else and the line', { timeout: 30_000 }, async () => {
    const path = file(of(good), 'x: 1\n')
    for (const command of ['check', 'serve']) {
      const { code, stdout, stderr } = await portcullis([command, '-c', path])
      assert.equal(code, 2)
      assert.equal(stdout, '')
      assert.match(stderr, /2 problems/)
      assert.match(stderr, /x: there is no such setting/)
      assert.match(stderr, /listen\.tls\.certificate: .* not mcp\.example\.com.*\(.*portcullis\.yaml:8\)/)
      assert.doesNotMatch(stderr, /^\s+at /m, 'no stack trace')
    }
  })

  it('say when nobody can reach what is right', { timeout: 30_000 }, async () => {
    const path = file(of(makeCertificate({ names: 'DNS:mcp.example.com' })))
    const { code, stdout, stderr } = await portcullis(['check', '-c', path])
    assert.equal(code, 0)
    assert.match(stdout, /is valid: production mode/)
    assert.match(stderr, /listens at port 3002: this works only with something that forwards connections/)
    assert.match(stderr, /listens at 127\.0\.0\.1: set listen\.host/)
    const env = { PORTCULLIS_LISTEN_GATEWAY: '443', PORTCULLIS_LISTEN_HOST: '0.0.0.0' }
    assert.equal((await portcullis(['check', '-c', path], env)).stderr, '')
  })
})
