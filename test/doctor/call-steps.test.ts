import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Question } from '../../src/doctor/ask.ts'
import type { Visit } from '../../src/doctor/contract.ts'
import { profiles } from '../../src/doctor/profiles.ts'
import type { Reply } from '../../src/doctor/reply.ts'
import { createReport } from '../../src/doctor/report.ts'
import { askForMore } from '../../src/doctor/steps/ask-for-more.ts'
import { authenticateMachine } from '../../src/doctor/steps/authenticate-machine.ts'
import { callServer } from '../../src/doctor/steps/call-server.ts'
import { findBehindProxy } from '../../src/doctor/steps/find-behind-proxy.ts'
import { findResourceMetadata } from '../../src/doctor/steps/find-resource-metadata.ts'
import { judgeTokens } from '../../src/doctor/steps/judge-tokens.ts'
import { refreshTokens } from '../../src/doctor/steps/refresh-tokens.ts'
import { refuseForeignToken, refuseGivenToken } from '../../src/doctor/steps/refuse-foreign-token.ts'
import { refuseForgedToken } from '../../src/doctor/steps/refuse-forged-token.ts'
import { tryOriginEndpoints } from '../../src/doctor/steps/try-origin-endpoints.ts'
import { origin, resource, server } from '../support/doctor-step.ts'

type Answer = Partial<Reply> & { readonly json?: unknown }

/** A visit of a server that answers so in turn, with what it was asked and what was found. */
function visit(revision: Visit['revision'], ...answers: readonly Answer[]) {
  const asked: (Question & { url: string })[] = []
  const report = createReport(() => undefined)
  const ask: Visit['ask'] = async (url, question = {}) => {
    const { json, ...rest } = answers[asked.push({ ...question, url }) - 1] ?? { status: 404 }
    const text = json === undefined ? '' : JSON.stringify(json)
    return { url, status: 200, headers: {}, cookies: [], text, ...rest }
  }
  const made = {
    endpoint: new URL(`${origin}/mcp`),
    profile: profiles['inspector-direct'],
    revision,
    credentials: { kind: 'none' },
    report,
    say: () => undefined,
    ask,
  } as const satisfies Visit
  const found = (): string[] =>
    report.findings.map(({ mark, check, cause, detail }) => `${mark} ${check}: ${cause ?? detail ?? ''}`)
  const methods = (): unknown[] =>
    asked.map(({ method, json }) => (json as { method?: string } | undefined)?.method ?? method)
  return { made, asked, found, methods }
}

const result = (value: object): Answer => ({ json: { jsonrpc: '2.0', id: 1, result: value } })
const error = (code: number, status = 200): Answer => ({
  status,
  json: { jsonrpc: '2.0', id: 1, error: { code, message: 'no' } },
})
const tools = result({ tools: [{}, {}] })
const [modern, legacy] = ['2026-07-28', '2025-06-18'] as const

describe('doctor, once it has a token for the MCP server', () => {
  it('goes on in the session and the revision that a legacy server has opened', async () => {
    const opening = { ...result({ protocolVersion: '2025-03-26' }), headers: { 'mcp-session-id': 'mine' } }
    const { made, asked, found, methods } = visit(legacy, opening, { status: 202 }, tools)
    assert.deepEqual(await callServer(made, 'a-token'), {
      token: 'a-token',
      agreed: '2025-03-26',
      session: 'mine',
    })
    assert.deepEqual(methods(), ['initialize', 'notifications/initialized', 'tools/list'])
    for (const { headers } of asked.slice(1))
      assert.deepEqual(
        [headers?.['mcp-session-id'], headers?.['mcp-protocol-version']],
        ['mine', '2025-03-26'],
      )
    assert.deepEqual(found(), ['passed call-open: initialize, 2025-03-26', 'passed call-tools: 2 tools'])
  })

  it('blames the token for a refusal, but not for a server that is away', async () => {
    for (const [status, advice] of [
      [401, /issuer, audience or expiry of the token/],
      [502, /a wrong token would get 401/],
      [504, /a wrong token would get 401/],
      [0, /a wrong token would get 401/],
    ] as const) {
      const opening = visit(legacy, error(502, status))
      await callServer(opening.made, 'a-token')
      assert.match(opening.made.report.findings[0]?.fix ?? '', advice, `${status} to the first request`)
    }
    const { made } = visit(modern, result({}), error(504, 504))
    await callServer(made, 'a-token')
    assert.match(made.report.findings[1]?.fix ?? '', /a wrong token would get 401/)
  })

  it('goes on without a session where there is none', async () => {
    const old = visit(legacy, result({}), { status: 202 }, tools)
    assert.deepEqual(await callServer(old.made, 'a-token'), { token: 'a-token', agreed: legacy })
    const { made, found, methods } = visit(modern, result({ protocolVersion: legacy }), tools)
    assert.deepEqual(await callServer(made, 'a-token'), { token: 'a-token' })
    assert.deepEqual(methods(), ['server/discover', 'tools/list'])
    assert.equal(found()[0], `passed call-open: server/discover, ${modern}`)
  })

  it('says what it got instead of a result, or of a list of tools', async () => {
    for (const [answers, finding] of [
      [[error(-32600, 400)], /^failed call-open: .* answers 400, JSON-RPC error -32600 no$/],
      [[{ status: 500 }], /^failed call-open: .* answers 500 without a media type$/],
      [[result({}), error(-32601)], /^skipped call-tools: the server has no tools$/m],
      [
        [result({}), error(-32603)],
        /^failed call-tools: tools\/list answers 200, JSON-RPC error -32603 no$/m,
      ],
      [[result({}), result({})], /^failed call-tools: tools\/list answers 200 without/m],
    ] as const) {
      const { made, found } = visit(modern, ...answers)
      const options = await callServer(made, 'a-token')
      assert.match(found().join('\n'), finding)
      assert.equal(options === undefined, answers.length === 1)
    }
  })

  it('ends its session with the last call, if it has one', async () => {
    const options = { token: 'a-token', session: 'mine', agreed: legacy }
    const { made, asked, methods } = visit(legacy, result({}), {})
    await askForMore(made, options)
    assert.deepEqual(methods(), ['tools/call', 'DELETE'])
    assert.equal(asked[1]?.headers?.['mcp-session-id'], 'mine')
    const other = visit(modern, result({}))
    await askForMore(other.made, { token: 'a-token' })
    assert.deepEqual(other.methods(), ['tools/call'])
  })
})

describe('doctor, when its token has expired', () => {
  it('refreshes for the same server, and goes on with the new tokens', async () => {
    const client = { id: 'one', redirectUri: 'http://127.0.0.1:1/callback' }
    const tokens = { accessToken: 'a-token', refreshToken: 'refresh' }
    const json = { access_token: 'b-token', refresh_token: 'next' }
    const { made, asked, found } = visit(modern, { json }, tools)
    assert.deepEqual(await refreshTokens(made, { server, resource, client }, tokens), {
      accessToken: 'b-token',
      refreshToken: 'next',
    })
    const [{ form } = {}, { headers } = {}] = asked
    assert.deepEqual(form, {
      grant_type: 'refresh_token',
      refresh_token: 'refresh',
      resource: resource.resource,
      client_id: 'one',
    })
    assert.equal(headers?.['authorization'], 'Bearer b-token')
    assert.deepEqual(found(), ['passed refresh: ', 'passed refresh-rotation: '])
    const kept = visit(modern, { json: { access_token: 'b-token' } }, tools)
    assert.equal(
      (await refreshTokens(kept.made, { server, resource, client }, tokens)).refreshToken,
      'refresh',
      'which is still the one to use',
    )
  })
})

describe('doctor, when it asks for a token for another server', () => {
  it('asks as it got its own: by its refresh token, or as a machine', async () => {
    const client = { id: 'one', secret: 'secret' }
    const other = `${origin}/portcullis-doctor/another-resource`
    for (const [tokens, grant] of [
      [
        { accessToken: 'a-token', refreshToken: 'refresh' },
        { grant_type: 'refresh_token', refresh_token: 'refresh' },
      ],
      [{ accessToken: 'a-token' }, { grant_type: 'client_credentials' }],
    ] as const) {
      const { made, asked } = visit(modern, { status: 400 })
      await refuseForeignToken(made, { server, client, tokens })
      assert.deepEqual(asked[0]?.form, { ...grant, resource: other })
    }
  })

  it('takes no answer to it for no proof (V3)', async () => {
    const token = `e30.${Buffer.from('{"aud":"https://other.example"}').toString('base64url')}.sig`
    const { made, found } = visit(modern, { json: { access_token: token } }, { status: 0, problem: 'gone' })
    await refuseForeignToken(made, { server, client: { id: 'one' }, tokens: { accessToken: 'a-token' } })
    assert.deepEqual(found(), ['skipped token-foreign: gone'])
  })

  it('is content with a 401 for one that it was given, and with nothing else', async () => {
    for (const [status, finding] of [
      [401, /^passed token-foreign: $/],
      [200, /^failed token-foreign: with the token for another resource/],
      [403, /^failed token-foreign/],
      [0, /^skipped token-foreign: no answer$/],
    ] as const) {
      const { made, found } = visit(modern, { status })
      await refuseGivenToken(made, 'of-another-server')
      assert.match(found().join(), finding)
    }
  })
})

describe('doctor, of a token', () => {
  const tokenFor = (audience: string): string =>
    `e30.${Buffer.from(JSON.stringify({ aud: audience })).toString('base64url')}.sig`

  it('goes by the meaning of its audience and of Cache-Control, not by their spelling', () => {
    const { made, found } = visit(modern)
    const reply = { url: origin, status: 200, headers: {}, cookies: [], text: '' }
    const headers = { 'cache-control': 'No-Store' }
    judgeTokens(made, { ...reply, headers }, tokenFor(resource.resource.replace('http', 'HTTP')), resource)
    assert.deepEqual(found(), ['passed token-cache: ', 'passed token-audience: '])
  })

  it('that it made up says so where only the second request is refused', async () => {
    const challenge = 'Bearer error="invalid_token", resource_metadata="x"'
    const refused = { status: 401, headers: { 'www-authenticate': challenge } }
    for (const [answers, finding] of [
      [[refused], 'passed token-forged: '],
      [
        [result({}), refused],
        'warning token-forged: the first request is let in with any token, but tools/list is not',
      ],
    ] as const) {
      const { made, found } = visit(modern, ...answers)
      await refuseForgedToken(made)
      assert.deepEqual(found(), [finding, 'passed token-forged-challenge: '])
    }
  })
})

describe('doctor as a machine', () => {
  it('takes a token from a 200 alone, and nothing without a token', async () => {
    const json = { access_token: 'a-token' }
    const credentials = { id: 'one', secret: 'secret' }
    for (const [answer, token] of [
      [{ json }, 'a-token'],
      [{ json, status: 400 }, undefined],
      [{ json: {} }, undefined],
      [{ json: { access_token: '' } }, undefined],
    ] as const) {
      const { made, found } = visit(modern, answer)
      assert.equal((await authenticateMachine(made, { server, resource }, credentials))?.accessToken, token)
      assert.match(
        found().join('\n'),
        token === undefined
          ? /^failed token-machine: .* answers[^\n]*$/
          : /^passed token-machine: \nfailed token-cache: .*\nskipped token-audience/,
      )
    }
  })
})

describe('an endpoint on the origin, where hosted clients look for it', () => {
  it('is missing where nothing answers, or nothing that is meant for it', async () => {
    const { made, found } = visit(modern, { status: 405 }, { status: 0, problem: 'gone' }, { status: 401 })
    await tryOriginEndpoints({ ...made, profile: { ...made.profile, usesOriginEndpoints: true } })
    assert.match(
      found().join(),
      /^warning origin-endpoints: \/authorize answers 405[^;]*; \/token answers gone$/,
    )
    const other = visit(modern)
    await tryOriginEndpoints({ ...other.made, profile: { ...made.profile, usesOriginEndpoints: false } })
    assert.deepEqual([other.found(), other.asked], [[], []])
  })
})

describe('what doctor shows of an answer', () => {
  it('has neither the secret that it sent nor a token that came, however a server repeats them', async () => {
    const credentials = { id: 'one', secret: 'the-secret-of-the-machine' }
    const json = { error: 'invalid_client', error_description: `wrong: ${credentials.secret}` }
    const refused = visit(modern, { status: 401, json })
    await authenticateMachine(refused.made, { server, resource }, credentials)
    assert.match(refused.found().join(), /^failed token-machine: .*wrong: \[hidden\]/)
    const token = 'the-token-of-the-machine'
    const given = visit(modern, {
      status: 400,
      json: { access_token: token, error: 'x', error_description: token },
    })
    await authenticateMachine(given.made, { server, resource }, credentials)
    assert.match(given.found().join(), /\[hidden\]/)
    assert.ok(!given.found().join().includes(token))
  })
})

describe('a document that a proxy may keep back', () => {
  it('is looked for below the path of the server, if there is one', async () => {
    const wellKnown = `${origin}/.well-known/oauth-protected-resource`
    const { made, asked } = visit(modern, { json: {} }, { status: 404 })
    assert.match(
      (await findBehindProxy(made.ask, `${wellKnown}/team/mcp`)) ?? '',
      /^The server has the document, at \S+\/team\/mcp\/\.well-known\/oauth-protected-resource, so .* `\/team`/,
    )
    assert.equal(await findBehindProxy(made.ask, `${wellKnown}/mcp`), undefined)
    for (const none of [wellKnown, `${origin}/mcp`, `${wellKnown}/`])
      assert.equal(await findBehindProxy(made.ask, none), undefined)
    assert.equal(asked.length, 2)
  })
})

describe('the scopes that doctor asks for', () => {
  it('are those of the challenge, or else those that the metadata names', async () => {
    const metadata = { resource: `${origin}/mcp`, authorization_servers: [origin], scopes_supported: ['all'] }
    for (const [challenge, scopes] of [
      [new Map([['scope', 'some more']]), ['some', 'more']],
      [new Map([['scope', 'one']]), ['one']],
      [new Map([['scope', '']]), ['all']],
      [undefined, ['all']],
    ] as const) {
      const { made } = visit(modern, { json: metadata })
      assert.deepEqual((await findResourceMetadata(made, challenge))?.scopes, scopes)
    }
  })
})
