import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { configFile, problemTexts } from '../support/config-problems.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-credentials-'))
after(() => rmSync(folder, { recursive: true }))

const remote = 'url: https://a.example/mcp'

const configOf = (credential: string, where: string): string =>
  configFile(`upstreams: [{ name: a, ${where}, credential: ${credential} }]`)

const load = (credential: string, where = remote, environment = {}): unknown =>
  loadConfig({ file: configOf(credential, where), environment }).upstreams[0]?.credential

/** The problems of a credential, as `path: message`, its path beginning at the credential. */
const problems = (credential: string, where = remote): string[] =>
  problemTexts({ file: configOf(credential, where) }).map((text) =>
    text.replace('upstreams[0].credential', 'credential'),
  )

const client = 'tokenUrl: https://as.example/token, clientId: gate'

describe('the credential for an MCP server', () => {
  it('is the identity token unless something else is said', () => {
    assert.equal(load('identity'), 'identity')
    assert.equal(load('none'), 'none')
    const upstreams = [{ name: 'a', url: 'http://127.0.0.1:9/mcp' }]
    assert.equal(loadConfig({ base: { upstreams } }).upstreams[0]?.credential, 'identity')
  })

  it('takes each of its secrets from a variable', () => {
    const environment = { IT: 'the-secret-itself' }
    for (const [credential, name] of [
      ['{ kind: bearer, token: $IT }', 'token'],
      ['{ kind: header, name: X-Api-Key, value: $IT }', 'value'],
      [`{ kind: client-credentials, ${client}, clientSecret: $IT }`, 'clientSecret'],
      [`{ kind: token-exchange, ${client}, clientSecret: $IT }`, 'clientSecret'],
    ] as const) {
      const loaded = load(credential, undefined, environment) as Record<string, unknown>
      assert.equal(loaded[name], 'the-secret-itself', credential)
      assert.deepEqual(problems(credential), [`credential.${name}: the variable $IT is not set`])
    }
  })

  it('is told what is wrong with it, and where', () => {
    const cases: [string, ...string[]][] = [
      [
        'everything',
        'credential: must be identity or none, or have a kind: bearer, header, client-credentials, token-exchange',
      ],
      [
        '{ kind: cookie }',
        'credential.kind: must be one of bearer, header, client-credentials, token-exchange',
      ],
      [
        '{ token: abc }',
        'credential.kind: must be one of bearer, header, client-credentials, token-exchange',
      ],
      ['{ kind: bearer }', 'credential: has no secret: give token or tokenFile'],
      ['{ kind: bearer, token: a, tokenFile: b }', 'credential: has both token and tokenFile: take one away'],
      [
        '{ kind: bearer, tokn: a, tokenFile: b }',
        'credential.tokn: there is no such setting; did you mean token?',
      ],
      [
        '{ kind: bearer, token: a b }',
        'credential.token: must be printable characters without spaces, in one line',
      ],
      [
        '{ kind: header, name: A, value: "a\\r\\nb: c" }',
        'credential.value: must be printable ASCII characters in one line',
      ],
      ['{ kind: header, name: A }', 'credential: has no secret: give value or valueFile'],
      [
        `{ kind: client-credentials, ${client} }`,
        'credential: has no secret: give clientSecret or clientSecretFile',
      ],
      [
        `{ kind: token-exchange, ${client}, clientSecret: s, scope: 'a  b' }`,
        'credential.scope: must be scopes, separated by a space',
      ],
      [
        `{ kind: client-credentials, ${client}, clientSecret: s, resource: 'urn:a' }`,
        'credential.resource: must be an http or https URL without fragment',
      ],
      [
        '{ kind: token-exchange, clientId: a, clientSecret: s }',
        'credential.tokenUrl: is missing: give an http or https URL',
      ],
    ]
    for (const [credential, ...expected] of cases)
      assert.deepEqual(problems(credential), expected, credential)
  })

  it('goes in no header that the gateway itself writes', () => {
    for (const name of [
      'Host',
      'content-length',
      'Content-Type',
      'Transfer-Encoding',
      'connection',
      'Cookie',
    ])
      assert.match(problems(`{ kind: header, name: ${name}, value: a }`).join(), /none of the headers/, name)
    for (const name of [
      'Mcp-Session-Id',
      'mcp-anything',
      'X-Forwarded-For',
      'Forwarded',
      'DPoP',
      'traceparent',
    ])
      assert.match(problems(`{ kind: header, name: ${name}, value: a }`).join(), /none of the headers/, name)
    for (const name of ['"a b"', '"a:"', '""', '"a\\n"', 'ä'])
      assert.match(problems(`{ kind: header, name: ${name}, value: a }`).join(), /the name of a header/, name)
    for (const name of ['X-Api-Key', 'Authorization', 'apikey'])
      assert.deepEqual(problems(`{ kind: header, name: ${name}, value: a }`), [], name)
  })

  it('comes from a token server over https, or on loopback', () => {
    const asking = (tokenUrl: string): string =>
      problems(`{ kind: client-credentials, tokenUrl: '${tokenUrl}', clientId: a, clientSecret: s }`).join()
    for (const url of ['https://as.example/token', 'http://127.0.0.1:1/token', 'http://localhost/token'])
      assert.equal(asking(url), '', url)
    assert.match(asking('http://as.example/token'), /must be https, or on loopback/)
    assert.match(asking('https://a:b@as.example/token'), /no user information/)
    assert.match(asking('https://as.example/token#a'), /no fragment/)
    assert.match(asking('ftp://as.example/token'), /an http or https URL/)
  })

  it('works only for servers with a url', () => {
    for (const credential of [
      '{ kind: bearer, token: a }',
      `{ kind: token-exchange, ${client}, clientSecret: s }`,
    ])
      assert.deepEqual(problems(credential, 'command: [a]'), [
        'credential: works only for a server with a url: a stdio server gets its secrets through environment',
      ])
    assert.deepEqual(problems('none', 'command: [a]'), [])
  })

  it('stands in a file that can be read and holds one line', () => {
    const file = join(folder, 'secret')
    const found = (): string => problems(`{ kind: bearer, tokenFile: ${file} }`).join()
    assert.match(
      found(),
      /credential\.tokenFile: .*secret does not exist: name the file that holds the secret/,
    )
    for (const text of ['', '\n', 'two words', 'two\nlines']) {
      writeFileSync(file, text)
      assert.match(found(), /credential\.tokenFile: must hold the secret and nothing else, on one line/, text)
    }
    assert.match(
      problems(`{ kind: header, name: A, valueFile: ${file} }`).join(),
      /credential\.valueFile: must hold the secret and nothing else, on one line/,
    )
    writeFileSync(file, 'good\n')
    assert.equal(found(), '')
    assert.match(
      problems(`{ kind: bearer, tokenFile: ${folder} }`).join(),
      /is a folder: name the file in it that holds the secret/,
    )
  })

  it('is in no message about a mistake', () => {
    const secret = 'se cret-of-the-server'
    for (const credential of [
      `{ kind: bearer, token: ${secret} }`,
      `{ kind: bearer, token: ${secret}, tokenFile: a }`,
      `{ kind: header, name: Host, value: ${secret} }`,
      `{ kind: client-credentials, clientSecret: ${secret}, scope: 1 }`,
    ]) {
      const found = problems(credential)
      assert.ok(found.length > 0 && !found.join().includes('cret'), credential)
    }
  })
})

describe('what is sent in the Authorization header to a sink of the audit, and with traces', () => {
  it('fits there, or the audit and the traces would stay here, and errors about it would quote a part of it', () => {
    const wrong = (sent: string): string[] => {
      const sink = { kind: 'http' as const, name: 's', url: 'https://siem.example', token: '$SENT' }
      const base = { audit: { sinks: [sink] }, traces: { authorization: '$SENT' } }
      return problemTexts({ base, environment: { SENT: sent } })
    }
    for (const sent of ['of two\nlines', 'with…', ' ', '', 'cut off\n'])
      assert.deepEqual(
        wrong(sent).map((one) => one.replace(/^(\S+): .* in one line$/, '$1')),
        ['traces.authorization', 'audit.sinks[0].token'],
      )
    assert.deepEqual(wrong('t0ken+/='), [])
  })
})
