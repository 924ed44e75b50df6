import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, mock } from 'node:test'
import { UnsecuredJWT } from 'jose'
import { explainCommand } from '../../src/cli/explain.ts'
import { OperandWrong } from '../../src/cli/operand-wrong.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-explain-'))
const issuer = 'http://127.0.0.1:8080/realms/company'
const file = join(folder, 'portcullis.yaml')
writeFileSync(
  file,
  `publicUrl: http://127.0.0.1:3002
authorizationServer: external
upstreams:
  - name: files
    url: http://127.0.0.1:9/mcp
    objects: { tools: { deny: ['*_all'] }, resources: { deny: ['file:///etc/*'] } }
  - { name: bound, path: /bound, url: http://127.0.0.1:9/mcp, dpop: required }
issuers:
  - preset: keycloak
    issuer: ${issuer}
    audiences: [mcp]
    claims: { groups: [groups] }
    scopeMap: { reader: ['mcp:tools:read'] }
  - issuer: http://127.0.0.1:8081
    audiences: [mcp]
    introspection: { clientId: gate, clientSecret: secret-of-the-tests }
tenants:
  - name: acme
    upstreams: [{ name: files, url: http://127.0.0.1:9/mcp, objects: { tools: { allow: [echo] } } }]
`,
)

const now = Math.floor(Date.now() / 1000)
const good = { iss: issuer, sub: 'u1', aud: 'mcp', azp: 'app', iat: now, exp: now + 300 }

interface Explained {
  readonly text: string
  readonly code: number
}

/** Runs the command in this process, for a token with these claims. The server may be left out. */
async function explain(claims: object, args: readonly string[], server = 'files'): Promise<Explained> {
  const path = join(folder, 'claims.json')
  writeFileSync(path, JSON.stringify(claims))
  const log = mock.method(console, 'log', () => {})
  const error = mock.method(console, 'error', () => {})
  try {
    const named = server === '' ? [] : ['--server', server]
    const given = ['-c', file, '--claims', path, ...named, ...args]
    await explainCommand().exitOverride().parseAsync(given, { from: 'user' })
    const code = Number(process.exitCode ?? 0)
    return { text: log.mock.calls.map((call) => String(call.arguments[0])).join('\n'), code }
  } finally {
    process.exitCode = 0
    log.mock.restore()
    error.mock.restore()
  }
}

async function documented(claims: object, args: readonly string[], server?: string): Promise<Document> {
  return JSON.parse((await explain(claims, [...args, '--json'], server)).text) as Document
}

interface Document {
  readonly verified: boolean
  readonly decision: string
  readonly answer?: { readonly error: string; readonly why: string }
  readonly identity: Readonly<Record<string, unknown>> | null
  readonly missing: readonly { readonly claim: string; readonly state: string; readonly readBy: string }[]
  readonly mend: readonly string[]
}

describe('portcullis explain', () => {
  it('tells who it is, which claim is read and not there, by which setting, and what to ask for (N29)', async () => {
    const claims = { ...good, scope: 'openid Mcp.Use', 'cognito:groups': ['ops'] }
    const { text } = await explain(claims, ['--name', 'add'])
    for (const line of [
      /^Nothing was verified/,
      /clientId +app$/m,
      /scopes +openid Mcp\.Use$/m,
      /groups is missing, read for groups \(issuers\[0\]\.claims\.groups\); did you mean cognito:groups\?$/m,
      /realm_access\.roles is missing, read for roles \(issuers\[0\]\.preset: keycloak\)$/m,
      /needs +mcp:tools:execute, or mcp:tools:execute:add for this tool alone: missing$/m,
      /rules +add is allowed: upstreams\[0\]\.objects\.tools\.allow\[0\]: "\*"$/m,
      /decision +challenge: 403 scope_insufficient, needs mcp:tools:execute$/m,
      /say in issuers\[0\]\.scopeMap what these stand for: Mcp\.Use$/m,
    ])
      assert.match(text, line)
    const silent = await documented({ ...good, permissions: ['mcp:*'] }, ['--method', 'tools/list'])
    assert.equal(silent.decision, 'challenge')
    assert.ok(
      silent.mend.some((line) => line.includes('name the claim that does in issuers[0].claims.scopes')),
    )
  })

  it('says of a claim that is there in which way it says nothing', async () => {
    const { missing, identity } = await documented(
      { ...good, scope: '', scp: { 'mcp:*': true }, groups: [], roles: 7 },
      ['--method', 'tools/list'],
    )
    assert.deepEqual(
      missing.map(({ claim, state }) => `${claim} ${state}`),
      ['scope empty', 'scp unusable', 'groups empty', 'realm_access.roles absent', 'roles unusable'],
    )
    assert.deepEqual(identity?.['scopes'], [])
  })

  it('names the rule that decides, by its place in the file and the spelling that it sees', async () => {
    const denied = await documented({ ...good, scope: 'mcp:*' }, ['--uri', 'file:///srv/%2e%2e/etc/passwd'])
    assert.deepEqual([denied.decision, denied.answer?.error], ['deny', 'object_denied'])
    assert.equal(
      denied.mend[0],
      'file:///srv/%2e%2e/etc/passwd, understood as file:///etc/passwd, matches "file:///etc/*" in upstreams[0].objects.resources.deny[0]',
    )
    const { text } = await explain({ ...good, scope: 'mcp:*' }, ['--name', 'read'])
    assert.match(text, /needs +mcp:tools:execute, covered by mcp:\*$/m)
    assert.match(text, /decision +allow$/m)
  })

  it('explains for a tenant, and names places of the whole file', async () => {
    const own = { ...good, iss: 'http://127.0.0.1:3002/t/acme', aud: 'http://127.0.0.1:3002/t/acme/mcp' }
    const { decision, mend } = await documented({ ...own, scope: 'mcp:*' }, [
      '--tenant',
      'acme',
      '--name',
      'x',
    ])
    assert.equal(decision, 'deny')
    assert.equal(mend[0], 'x matches nothing in tenants[0].upstreams[0].objects.tools.allow')
  })

  it('asks nobody about a token that its issuer would be asked about, and takes the claims for the answer', async () => {
    const said = { iss: 'http://127.0.0.1:8081', sub: 'u1', aud: 'mcp', scope: 'mcp:tools' }
    for (const claims of [said, { ...said, iss: undefined, active: true }])
      assert.equal((await documented(claims, ['--name', 'add'])).decision, 'allow')
    const over = await documented({ ...said, active: false }, ['--name', 'add'])
    assert.deepEqual([over.decision, over.answer?.why], ['deny', 'token is not active'])
    const refresh = await documented({ ...said, token_use: 'refresh_token' }, ['--method', 'tools/list'])
    assert.match(refresh.mend[0] ?? '', /^the issuer says that it is a refresh token or an ID token: let the/)
  })

  it('explains as of another time, and knows a token that lacks a proof or a way to prove', async () => {
    const old = { ...good, iat: 1_790_000_000, exp: 1_790_000_300, scope: 'mcp:*' }
    assert.equal((await documented(old, ['--method', 'tools/list'])).answer?.why, 'token expired')
    for (const at of ['issue', '2026-09-21T14:15:00Z'])
      assert.equal((await documented(old, ['--method', 'tools/list', '--at', at])).decision, 'allow', at)
    const later = await documented(old, ['--method', 'tools/list', '--at', '2026-09-21T14:30:00Z'])
    assert.equal(later.answer?.why, 'token expired')
    const unbound = await documented({ ...good, scope: 'mcp:*' }, ['--name', 'add'], 'bound')
    assert.equal(unbound.answer?.why, 'token comes without a proof')
    const claims = { ...good, scope: 'mcp:*', cnf: { jkt: 'thumbprint' } }
    assert.equal((await documented(claims, ['--name', 'add'], 'bound')).decision, 'allow')
    assert.match((await explain(claims, ['--name', 'add'], 'bound')).text, / keyThumbprint +thumbprint$/m)
  })

  it('exits with 1 where another decision was expected, so that it can watch over a sample', async () => {
    const claims = { ...good, scope: 'mcp:tools' }
    assert.equal((await explain(claims, ['--name', 'add', '--expect', 'allow'])).code, 0)
    assert.equal((await explain(claims, ['--name', 'add', '--expect', 'challenge'])).code, 1)
    assert.equal((await explain(claims, ['--name', 'get_all'])).code, 0, 'none was expected')
    assert.equal((await explain(claims, ['--name', 'get_all', '--expect', 'deny'])).code, 0)
  })

  it('shows nothing that steers a terminal, and takes numbers that are no time', async () => {
    const { text } = await explain({ ...good, sub: 'u\u001b[2J', exp: 1e300, iat: 1e300 }, ['--name', 'add'])
    assert.ok(!text.includes('\u001b'))
    await explain({ ...good, sub: 7, iss: 7, aud: {} }, ['--name', 'add'])
    const never = explain({ ...good, iat: 1e15 }, ['--name', 'add', '--at', 'issue'])
    await assert.rejects(never, { message: /^--at: the token does not say when it was issued/ })
    await explain({ ...good, sub: 7, exp: 'x', iat: {}, aud: {} }, ['--name', 'add'])
  })

  it('says what is wrong with its flags', async () => {
    for (const [args, told] of [
      [[], /--method: name what is called/],
      [['--method', 'tools/call'], /--name: tools\/call names what it calls/],
      [['--method', 'prompts/get'], /--name: prompts\/get names what it calls/],
      [['--method', 'resources/read'], /--uri: resources\/read names what it calls/],
      [['--name', 'x', '--server', 'none'], /--server: there is no none: the configuration has files, bound/],
      [['--name', 'x', '--tenant', 't'], /--tenant: the configuration has no tenant "t", but acme/],
      [['--name', 'x', '--params', '[]'], /--params: is not a JSON object/],
      [['--name', 'x', '--at', 'then'], /--at: is not a time/],
      [['--name', 'x', '--token', '-'], /give either --claims <file>, or --token -/],
      [['--name', 'x', '--claims', join(folder, 'none')], /there is no file .*none$/],
      [['--name', 'x', '--at', '2026-02-30'], /--at: is not a time/],
      [['--name', 'x', '--uri', 'file:///y'], /--name, --uri: are alternatives/],
    ] as const) {
      await assert.rejects(explain(good, args), (error: Error) => {
        assert.ok(error instanceof OperandWrong)
        assert.match(error.message, told)
        return true
      })
    }
  })

  it('asks for one server where there are several, and takes the only one', async () => {
    await assert.rejects(
      explain(good, ['--name', 'x'], ''),
      /--server: name one: the configuration has files, bound$/,
    )
    assert.match((await explain(good, ['--name', 'echo', '--tenant', 'acme'], '')).text, / echo .* at files,/)
  })

  it('shows what a token says without steering the terminal (A14)', async () => {
    const said = { scope: 'all\u001b[2J', groups: ['staff\u001b[31m'] }
    const { text } = await explain({ ...good, ...said }, ['--name', 'add'])
    assert.match(text, /groups +staff\[31m$/m)
    assert.match(text, /without meaning +all\[2J$/m)
    assert.ok(!text.includes('\u001b'))
  })

  it('reads a token from standard input, never from an argument, and never shows one', () => {
    const token = new UnsecuredJWT({ ...good, scope: 'mcp:tools' }).encode()
    const program = join(import.meta.dirname, '../../bin/portcullis.js')
    const run = (given: string, ...args: readonly string[]) =>
      spawnSync(
        process.execPath,
        [program, 'explain', '-c', file, '--server', 'files', '--name', 'add', '--token', given, ...args],
        { input: token, encoding: 'utf8' },
      )
    const unsigned = run('-', '--expect', 'allow')
    assert.equal(unsigned.status, 1, unsigned.stderr)
    assert.match(unsigned.stdout, /deny: 401 token_invalid, token has a forbidden algorithm$/m)
    const argument = run(token)
    assert.equal(argument.status, 2)
    assert.match(argument.stderr, /does not belong on a command line/)
    for (const { stdout, stderr } of [unsigned, argument])
      assert.ok(!(stdout + stderr).includes(token.slice(0, 30)))
  })
})
