import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { explanationDocument, explanationText } from '../../src/cli/explanation-text.ts'
import type { Explanation, TokenReading, Verdict } from '../../src/compose/explain/contract.ts'
import type { Principal } from '../../src/core/principal.ts'

const principal = {
  issuer: 'https://login.example',
  subject: 'u1',
  clientId: 'app',
  kind: 'user',
  scopes: { list: ['mcp:tools', 'a:b'] },
  groups: ['staff', 'ops'],
  roles: [],
  audiences: ['mcp'],
  expiresAt: 1_800_000_000,
  actor: 'bot',
  keyThumbprint: 'thumbprint',
} as unknown as Principal

const token: TokenReading = {
  issuedBy: 'issuers[0]',
  principal,
  claims: [
    { claim: 'scope', attribute: 'scopes', readBy: 'RFC 9068', state: 'read' },
    { claim: 'scp', attribute: 'scopes', readBy: 'preset', state: 'absent', similar: 'scpx' },
    { claim: 'groups', attribute: 'groups', readBy: 'preset', state: 'absent', similar: 'my_groups' },
    { claim: 'roles', attribute: 'roles', readBy: 'preset', state: 'unusable' },
    { claim: 'jti', attribute: 'token', readBy: 'RFC 9068', state: 'empty' },
  ],
  unknownScopes: ['x', 'y'],
  refused: undefined,
  assumed: ['the signature is good', 'it is not revoked'],
}

const verdict: Verdict = {
  decision: 'challenge',
  answer: { status: 403, error: 'scope_insufficient', why: 'needs c' },
  needs: ['a', 'b', 'c', 'd'],
  orElse: 'c:echo',
  coveredBy: { a: 'a', b: 'mcp:tools' },
  missing: ['c'],
  challenge: ['c'],
  rules: [
    { object: 'echo', isAllowed: true, setting: 'tools.allow[0]', pattern: '*', understoodAs: undefined },
    { object: 'x', isAllowed: false, setting: 'tools.allow', pattern: undefined, understoodAs: 'y' },
    {
      object: undefined,
      isAllowed: false,
      setting: 'tools.allow',
      pattern: undefined,
      understoodAs: undefined,
    },
  ],
  policies: [
    { object: 'echo', decides: true, verdict: 'permitted', decisive: ['all'], obstacles: [] },
    {
      object: 'file:///x/../y',
      decides: false,
      verdict: 'unpermitted',
      decisive: [],
      obstacles: ['p: no email'],
      understoodAs: 'file:///y',
    },
  ],
  mend: ['ask for c'],
}

const explanation: Explanation = {
  server: { name: 'files', resource: 'https://gate.example/mcp' },
  call: { method: 'tools/call', era: 'modern', params: { name: 'echo' } },
  token,
  decision: 'challenge',
  answer: verdict.answer,
  verdict,
  mend: verdict.mend,
}

const linesOf = (changes: Partial<Explanation>): string[] =>
  explanationText({ ...explanation, ...changes }).split('\n')

describe('an explanation', () => {
  it('says for people what was read, what decides, and what would change it', () => {
    assert.deepEqual(linesOf({}), [
      'Nothing was verified: this is what the token says about itself.',
      'token            from issuers[0]',
      'assumed          the signature is good',
      '                 it is not revoked',
      'identity         issuer         https://login.example',
      '                 subject        u1',
      '                 clientId       app',
      '                 kind           user',
      '                 scopes         mcp:tools a:b',
      '                 groups         staff ops',
      '                 roles          none',
      '                 audiences      mcp',
      '                 expiresAt      2027-01-15T08:00:00.000Z',
      '                 actor          bot',
      '                 keyThumbprint  thumbprint',
      'claims           scp is missing, read for scopes (preset); another claim provides it',
      '                 groups is missing, read for groups (preset); did you mean my_groups?',
      '                 roles is neither a string nor a list of strings, read for roles (preset)',
      '                 jti is empty, which every access token has (RFC 9068)',
      'without meaning  x y',
      'call             tools/call echo (modern) at files, https://gate.example/mcp',
      'needs            a',
      '                 b, covered by mcp:tools',
      '                 c, or c:echo for this tool alone: missing',
      '                 d',
      'rules            echo is allowed: tools.allow[0]: "*"',
      '                 x (as y) is forbidden: nothing in tools.allow matches',
      '                 no name is forbidden: nothing in tools.allow matches',
      'policies         echo is permitted by all',
      '                 file:///x/../y (as file:///y) is not permitted by any, which is only reported (policyMode); p: no email',
      'decision         challenge: 403 scope_insufficient, needs c',
      'what changes it  ask for c',
    ])
  })

  it('says so where a token is from nobody, says too little, or is refused', () => {
    const call = { method: 'resources/read', era: 'legacy', params: { uri: 'file:///x' } } as const
    const refused = { answer: { status: 401, error: 'token_invalid', why: 'token expired' }, mend: [] }
    const nobody = {
      ...token,
      issuedBy: undefined,
      principal: undefined,
      claims: [],
      unknownScopes: [],
      refused,
    }
    assert.deepEqual(
      linesOf({
        call,
        token: nobody,
        decision: 'deny',
        answer: refused.answer,
        verdict: undefined,
        mend: [],
      }),
      [
        'Nothing was verified: this is what the token says about itself.',
        'token            from nobody whose tokens count here',
        'assumed          the signature is good',
        '                 it is not revoked',
        'identity         none: the token does not say enough',
        'call             resources/read file:///x (legacy) at files, https://gate.example/mcp',
        'decision         deny: 401 token_invalid, token expired',
      ],
    )
    const free: Verdict = {
      ...verdict,
      decision: 'allow',
      answer: undefined,
      needs: [],
      rules: [],
      policies: [],
    }
    const valid = linesOf({
      call: { ...call, method: 'tools/list', params: {} },
      token: { ...token, refused },
      decision: 'deny',
      answer: refused.answer,
      verdict: free,
    })
    assert.deepEqual(valid.slice(-5), [
      'call             tools/list (legacy) at files, https://gate.example/mcp',
      'needs            no scope',
      'decision         deny: 401 token_invalid, token expired',
      '                 with a valid token: allow',
      'what changes it  ask for c',
    ])
    const allowed = linesOf({
      decision: 'allow',
      answer: undefined,
      verdict: { ...free, needs: undefined },
      mend: [],
    })
    assert.deepEqual(allowed.slice(-1), ['decision         allow'])
    assert.ok(!allowed.some((line) => line.startsWith('needs')))
  })

  it('leaves out what a token does not say, and takes numbers that are no time', () => {
    const plain = { ...principal, actor: undefined, keyThumbprint: undefined, expiresAt: 1e300 }
    const lines = linesOf({
      token: { ...token, principal: plain },
      verdict: { ...verdict, orElse: undefined },
    })
    assert.ok(lines.includes('                 expiresAt  none'))
    assert.ok(lines.includes('                 c: missing'))
    assert.ok(!lines.some((line) => /actor|keyThumbprint/.test(line)))
  })

  it('says the same to programs, and that nothing was verified', () => {
    const document = explanationDocument(explanation) as Record<string, unknown>
    const { claims, issuedBy, unknownScopes, assumed } = token
    assert.equal(document['verified'], false)
    assert.equal(document['decision'], 'challenge')
    assert.equal((document['identity'] as { subject: string }).subject, 'u1')
    assert.deepEqual(document['token'], { counts: true, issuedBy, claims, unknownScopes, assumed })
    assert.deepEqual(document['missing'], claims.slice(1))
    assert.deepEqual(document['verdict'], verdict)
    const none = { ...explanation, token: { ...token, principal: undefined }, verdict: undefined }
    const { identity, verdict: nothing } = explanationDocument(none) as Record<string, unknown>
    assert.deepEqual([identity, nothing], [null, null])
  })
})
