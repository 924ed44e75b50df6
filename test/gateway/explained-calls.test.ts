import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { Explanation, Sample } from '../../src/compose/explain/contract.ts'
import { explain } from '../../src/compose/explain/explain.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config, ConfigInput } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { methodTable } from '../../src/mcp/methods.ts'
import type { Era } from '../../src/mcp/revisions.ts'
import { type GatedSpy, modernRequest, startGatedSpy } from '../support/gated-spy.ts'
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts'

const spyPolicy = {
  objects: {
    tools: { allow: ['read_*', 'add'], deny: ['*_all'] },
    resources: { deny: ['file:///etc/*'] },
  },
  methods: { 'x/search': ['files:read'], 'prompts/list': [], 'notifications/x': ['files:read'] },
  listenFilters: { 'x/changed': ['files:read'] },
} satisfies Partial<NonNullable<ConfigInput['upstreams']>[number]>

let gate: GatedSpy
let other: TokenIssuer
/** Is asked about its tokens. */
let asked: TokenIssuer
let config: Config
before(async () => {
  other = await startTokenIssuer(() => 'api')
  asked = await startTokenIssuer(() => 'api')
  const settings: ConfigInput = {
    scopes: { 'files:read': 'Read files' },
    issuers: [
      {
        preset: 'keycloak',
        issuer: other.issuer,
        audiences: ['api'],
        scopeMap: { reader: ['mcp:tools:read', 'files:read'] },
        claims: { scopes: ['scope', 'realm_access.roles'] },
      },
      {
        issuer: asked.issuer,
        audiences: ['api'],
        introspection: { clientId: 'gate', clientSecret: 'secret-of-the-tests' },
      },
    ],
  }
  gate = await startGatedSpy(settings, undefined, spyPolicy)
  const { url } = gate.spy
  const upstreams = [{ name: 'spy', path: '/mcp', url, era: 'both', ...spyPolicy } as const]
  config = loadConfig({ base: { ...settings, upstreams, publicUrl: gate.installation.url } })
})
after(async () => {
  await gate?.close()
  await other.close()
  await asked.close()
})

interface Tried {
  readonly method: string
  readonly era?: Era
  readonly params?: Record<string, unknown>
}

/** What an opaque token says is what its issuer says of it. */
function sampleOf(token: string): Sample {
  const said = asked.opaque.get(token)
  if (said !== undefined) return { claims: said, header: undefined }
  const { typ, alg } = decodeProtectedHeader(token)
  return { claims: decodeJwt(token), header: { typ, alg } }
}

async function explained(
  token: string,
  { method, era = 'modern', params = {} }: Tried,
): Promise<Explanation> {
  const sample = sampleOf(token)
  return explain(config, { server: 'spy', call: { method, era, params }, sample }, systemClock)
}

/** What is known of an answer from both sides, in the same words. */
interface Outcome {
  readonly decision: Explanation['decision']
  readonly error: unknown
  readonly scopes: readonly string[]
  /** Of a token that does not count. */
  readonly reason: string | undefined
}

async function answered(token: string, { method, era = 'modern', params = {} }: Tried): Promise<Outcome> {
  const id = method.startsWith('notifications/') ? {} : { id: 7 }
  const modern = modernRequest(method, params)
  const request =
    era === 'modern'
      ? {
          body: { ...modern.body, ...(id.id === undefined ? { id: undefined } : {}) },
          headers: modern.headers,
        }
      : { body: { jsonrpc: '2.0', ...id, method, params }, headers: {} }
  const { headers, json } = await gate.post(request.body, { token, headers: request.headers })
  const challenge = headers.get('www-authenticate') ?? ''
  const code = json.error?.data['code']
  // What comes after the decision: ids of tasks and of progress are sealed, and these are made up.
  const error = code === 'task_unknown' || code === 'response_unexpected' ? undefined : code
  return {
    decision: error === undefined ? 'allow' : error === 'scope_insufficient' ? 'challenge' : 'deny',
    error,
    scopes: error === 'scope_insufficient' ? (/scope="([^"]*)"/.exec(challenge)?.[1] ?? '').split(' ') : [],
    reason: error === 'token_invalid' ? /error_description="(.*?) \(request/.exec(challenge)?.[1] : undefined,
  }
}

async function agree(token: string, tried: Tried, hint: string): Promise<Explanation> {
  const explanation = await explained(token, tried)
  const { decision, answer, verdict, token: reading } = explanation
  const said: Outcome = {
    decision,
    error: answer?.error,
    scopes: decision === 'challenge' ? (verdict?.challenge ?? []) : [],
    reason: reading.refused?.answer.why.split(': ')[0],
  }
  assert.deepEqual(said, await answered(token, tried), `${hint}: ${JSON.stringify(tried)}`)
  return explanation
}

const paramsOf: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  'tools/call': [{ name: 'add' }, { name: 'read_all' }, { name: 'read_x' }, { name: 'subtract' }],
  'resources/read': [{ uri: 'demo:///a' }, { uri: 'file:///srv/%2e%2e/etc/passwd' }],
  'resources/subscribe': [{ uri: 'file:///etc/passwd' }, {}],
  'prompts/get': [{ name: 'p' }],
  'completion/complete': [{ ref: { type: 'ref/prompt', name: 'p' } }, { ref: { type: 'x' } }, {}],
  'subscriptions/listen': [
    { notifications: { toolsListChanged: true } },
    { notifications: { 'x/changed': true, promptsListChanged: true } },
    { notifications: { unheard: true } },
  ],
}

describe('what portcullis explain says of a call, beside what the gateway does with it (N29)', () => {
  it('is the same for every method, in both eras, with much, some and no scope', async () => {
    const decisions = new Set<string>()
    for (const scope of ['mcp:*', 'mcp:tools:read', 'mcp:tools:execute:add', 'mcp:resources', '']) {
      const token = await other.token({ scope })
      for (const method of [
        ...methodTable.map((row) => row.method),
        'x/search',
        'x/unheard',
        'notifications/x',
      ]) {
        for (const era of ['modern', 'legacy'] as const) {
          const task = method.startsWith('tasks/') && method !== 'tasks/list' ? { taskId: 't' } : {}
          for (const params of paramsOf[method] ?? [task]) {
            const { decision, answer } = await agree(token, { method, era, params }, scope)
            decisions.add(`${decision} ${answer?.error}`)
          }
        }
      }
    }
    for (const met of [
      'allow undefined',
      'challenge scope_insufficient',
      'deny object_denied',
      'deny params_invalid',
      'deny method_unknown',
      'deny method_unknown_legacy',
      'deny notification_unknown',
    ])
      assert.ok(decisions.has(met), `${met} was met`)
  })

  it('tells what it took for granted, which depends on how the token would be checked', async () => {
    const assumed = async (sample: Sample) => {
      const call = { method: 'tools/list', era: 'modern', params: {} } as const
      return (await explain(config, { server: 'spy', call, sample }, systemClock)).token.assumed
    }
    const signed = sampleOf(await other.token())
    const good = 'the signature is good, and the token is not revoked'
    assert.deepEqual(await assumed(signed), [good])
    const [first, header] = await assumed({ ...signed, header: undefined })
    assert.equal(first, good)
    assert.match(header ?? '', /^its header has the typ \S+ and an algorithm that counts$/)
    const bound = { ...signed, claims: { ...signed.claims, cnf: { jkt: 'x'.repeat(43) } } }
    assert.deepEqual(await assumed(bound), [good, 'the client sends a proof of its key with it (DPoP)'])
    const opaque = { claims: { ...signed.claims, iss: asked.issuer, active: true }, header: undefined }
    assert.deepEqual(await assumed(opaque), ['the claims are what the issuer says when it is asked'])
  })

  it('names the scope of the tool as what suffices, and only where it would', async () => {
    const call = { method: 'tools/call', era: 'modern', params: { name: 'add' } } as const
    const [need, own] = ['mcp:tools:execute', 'mcp:tools:execute:add']
    const token = await other.token({ scope: own })
    assert.deepEqual((await explained(token, call)).verdict?.coveredBy, { [need]: own })
    const broad = await explained(await other.token({ scope: 'mcp:tools' }), call)
    assert.deepEqual(broad.verdict?.coveredBy, { [need]: 'mcp:tools' })
    assert.equal((await explained(await other.token({ scope: '' }), call)).verdict?.orElse, own)
    const upstreams = config.upstreams.map((one) => ({ ...one, methods: { 'tools/call': ['files:read'] } }))
    const question = { server: 'spy', call, sample: sampleOf(token) }
    const { decision, verdict } = await explain({ ...config, upstreams }, question, systemClock)
    const told = [decision, verdict?.challenge, verdict?.orElse, verdict?.coveredBy]
    assert.deepEqual(told, ['challenge', ['files:read'], undefined, {}])
  })

  it('is the same for tokens of our own', async () => {
    for (const scope of ['mcp:tools:read', 'mcp:tools', 'files:read']) {
      const token = await gate.tokenFor(scope)
      for (const method of ['tools/list', 'x/search']) await agree(token, { method }, scope)
      const { token: read } = await agree(token, { method: 'tools/call', params: { name: 'add' } }, scope)
      assert.equal(read.issuedBy, 'authorizationServer: own')
    }
  })

  it('is the same for tokens that do not count, and says why in the same words', async () => {
    const now = Math.floor(Date.now() / 1000)
    for (const [claims, header] of [
      [{ aud: 'another-api' }, {}],
      [{ aud: undefined }, {}],
      [{ exp: 1 }, {}],
      [{ exp: undefined }, {}],
      [{ iat: undefined }, {}],
      [{ nbf: now + 1000 }, {}],
      [{ exp: now + 30 * 24 * 3600 }, {}],
      [{ nonce: 'n' }, {}],
      [{ typ: 'ID' }, {}],
      [{ typ: 'Bearer' }, {}],
      [{}, { typ: 'id+jwt' }],
      [{}, { typ: 'application/at+jwt' }],
      [{ iss: 'https://evil.example' }, {}],
      [{ sub: undefined }, {}],
      [{ sub: '' }, {}],
      [{ sub: 'usr_x' }, {}],
      [{ cnf: { 'x5t#S256': 'x' } }, {}],
    ] as const) {
      const token = await other.token({ scope: 'mcp:*', ...claims }, header)
      const { answer, mend } = await agree(token, { method: 'tools/list' }, JSON.stringify([claims, header]))
      assert.equal(mend.length > 0, answer !== undefined, JSON.stringify([claims, header]))
    }
  })

  it('is the same for tokens whose issuer is asked, by what it says', async () => {
    const now = Math.floor(Date.now() / 1000)
    const said = { active: true, sub: 'u1', client_id: 'app', aud: 'api', scope: 'mcp:tools:read' }
    for (const [index, claims] of [
      {},
      { scope: '' },
      { scope: undefined, scp: 'mcp:tools' },
      { active: false },
      { aud: undefined },
      { aud: ['another-api'] },
      { exp: now - 60, iat: now - 600 },
      { nbf: now + 1000 },
      { sub: undefined },
      { sub: 'usr_x' },
    ].entries()) {
      const token = `opaque-${index}`
      const answer = { ...said, iss: asked.issuer, ...claims }
      asked.opaque.set(token, JSON.parse(JSON.stringify(answer)) as typeof answer)
      await agree(token, { method: 'tools/list' }, JSON.stringify(claims))
    }
  })

  it('is the same where scopes are in claims that are read, and in others that are not', async () => {
    for (const [claims, decision] of [
      [{ realm_access: { roles: ['reader'] } }, 'allow'],
      [{ scope: 'reader' }, 'allow'],
      [{ scp: ['mcp:tools:read'] }, 'challenge'],
      [{ permissions: ['mcp:tools:read'] }, 'challenge'],
      [{ scope: { 'mcp:tools:read': true } }, 'challenge'],
      [{ scope: 'Mcp.Use' }, 'challenge'],
    ] as const) {
      const explanation = await agree(
        await other.token(claims),
        { method: 'tools/list' },
        JSON.stringify(claims),
      )
      assert.equal(explanation.decision, decision, JSON.stringify(claims))
    }
  })
})
