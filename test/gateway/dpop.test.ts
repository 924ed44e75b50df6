import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import * as independent from 'dpop'
import { decodeJwt, type JWTPayload } from 'jose'
import type { ConfigInput } from '../../src/config/schema.ts'
import { proofAlgorithms } from '../../src/core/dpop.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Answer, type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { type ProofKey, proofKey } from '../support/proofs.ts'

const scope = 'mcp:tools:read'
const body = legacyRequest('tools/list')

/** Signs a user in whose token is bound to a key. */
async function boundToken(gate: GatedSpy, key: ProofKey, user = 'bound'): Promise<string> {
  const code = await gate.oauth.authorize({ scope }, new FormBrowser({ fill: { name: user } }))
  const dpop = await key.prove({ url: `${gate.installation.url}/token` })
  const { status, body: answer } = await gate.oauth.redeem(code, {}, { dpop })
  assert.equal(status, 200, JSON.stringify(answer))
  assert.equal(answer['token_type'], 'DPoP')
  return answer.access_token
}

const send = (gate: GatedSpy, token: string, proof: string | undefined): Promise<Answer> =>
  gate.post(body, {
    headers: { authorization: `DPoP ${token}`, ...(proof === undefined ? {} : { dpop: proof }) },
  })

function refusedWith(answer: Answer, error: string, detail: RegExp): void {
  assert.equal(answer.status, 401, answer.text)
  const challenge = answer.headers.get('www-authenticate') ?? ''
  assert.match(challenge, /^Bearer /, 'clients look for Bearer first (V14)')
  assert.match(challenge, new RegExp(`DPoP error="${error}", algs="${proofAlgorithms.join(' ')}"`))
  assert.match(challenge, detail)
}

describe('a token that is bound to a key (T9, V13, A13)', () => {
  let gate: GatedSpy
  let clock: MovableClock
  let key: ProofKey
  let token: string
  let url: string
  before(async () => {
    clock = movableClock()
    gate = await startGatedSpy({}, clock)
    key = await proofKey()
    token = await boundToken(gate, key)
    url = gate.installation.mcpUrl
  })
  after(() => gate.close())

  it('passes with a proof, and neither token nor proof reaches the server (A10)', async () => {
    assert.deepEqual(decodeJwt(token)['cnf'], { jkt: key.thumbprint })
    const proof = await key.prove({ url, token })
    assert.equal((await send(gate, token, proof)).status, 200)
    const seen = gate.spy.seen.at(-1)
    assert.equal(seen?.headers['dpop'], undefined)
    assert.doesNotMatch(JSON.stringify(seen), new RegExp(`${token}|${proof}`))
  })

  it('passes with the proofs of an independent client', async () => {
    const keys = await independent.generateKeyPair('ES256')
    const code = await gate.oauth.authorize({ scope }, new FormBrowser({ fill: { name: 'independent' } }))
    const endpoint = `${gate.installation.url}/token`
    const prove = () => independent.generateProof(keys, endpoint, 'POST')
    const { body: answer } = await gate.oauth.redeem(code, {}, { dpop: await prove() })
    const proof = await independent.generateProof(keys, url, 'POST', undefined, answer.access_token)
    assert.equal((await send(gate, answer.access_token, proof)).status, 200)
    const refreshed = await gate.oauth.refresh(answer.refresh_token, {}, { dpop: await prove() })
    assert.equal(refreshed.body['token_type'], 'DPoP')
  })

  it('passes under each spelling of the URL that means the same', async () => {
    for (const htu of [
      `${url}?a=b`,
      `${url}#c`,
      url.replace('http', 'HTTP'),
      url.replace('127.0.0.1', 'localhost'),
    ])
      assert.equal((await send(gate, token, await key.prove({ url: htu, token }))).status, 200, htu)
  })

  for (const algorithm of ['Ed25519', 'PS256', 'RS256']) {
    it(`may be bound with ${algorithm}`, async () => {
      const other = await proofKey(algorithm)
      const bound = await boundToken(gate, other)
      assert.equal((await send(gate, bound, await other.prove({ url, token: bound }))).status, 200)
    })
  }

  it('is refused as Bearer, with and without a proof', async () => {
    for (const headers of [{}, { dpop: await key.prove({ url, token }) }])
      refusedWith(await gate.post(body, { token, headers }), 'invalid_token', /comes without a proof/)
  })

  it('is refused without a proof', async () => {
    refusedWith(await send(gate, token, undefined), 'invalid_dpop_proof', /proof is missing/)
  })

  const now = (): number => Math.floor(Date.now() / 1000)
  const wrongClaims: [string, () => JWTPayload, RegExp][] = [
    ['another method', () => ({ htm: 'GET' }), /another method/],
    ['another URL', () => ({ htu: `${url}x` }), /another URL/],
    ['another host', () => ({ htu: 'https://evil.example/mcp' }), /another URL/],
    ['user information in the URL', () => ({ htu: url.replace('//', '//me@') }), /another URL/],
    ['no URL', () => ({ htu: undefined }), /another URL/],
    ['another token', () => ({ ath: 'AAAA' }), /another token/],
    ['no token', () => ({ ath: undefined }), /another token/],
    ['an old time', () => ({ iat: now() - 310 }), /not recent/],
    ['a future time', () => ({ iat: now() + 310 }), /not recent/],
    ['no time', () => ({ iat: undefined as never }), /not recent/],
    ['no id', () => ({ jti: undefined as never }), /lacks a jti/],
  ]
  for (const [what, claims, reason] of wrongClaims) {
    it(`is refused with a proof for ${what}`, async () => {
      refusedWith(
        await send(gate, token, await key.prove({ url, token }, claims())),
        'invalid_dpop_proof',
        reason,
      )
    })
  }

  it('is refused with a proof of another key', async () => {
    const thief = await proofKey()
    refusedWith(
      await send(gate, token, await thief.prove({ url, token })),
      'invalid_dpop_proof',
      /another key/,
    )
  })

  it('is refused with a proof whose header is wrong', async () => {
    const thief = await proofKey()
    const headers = [{ typ: 'JWT' }, { jwk: undefined }, { jwk: key.privateJwk }, { jwk: thief.publicJwk }]
    for (const header of headers) {
      const proof = await key.prove({ url, token }, {}, header)
      refusedWith(await send(gate, token, proof), 'invalid_dpop_proof', /no valid DPoP proof/)
    }
  })

  it('is refused with an unsigned proof, and with one that is signed with a shared secret', async () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = part(decodeJwt(await key.prove({ url, token })))
    const none = `${part({ alg: 'none', typ: 'dpop+jwt', jwk: key.publicJwk })}.${claims}.`
    const signed = `${part({ alg: 'HS256', typ: 'dpop+jwt', jwk: { kty: 'oct', k: 'c2VjcmV0' } })}.${claims}`
    const hmac = createHmac('sha256', 'secret').update(signed).digest('base64url')
    for (const proof of [none, `${signed}.${hmac}`, 'nonsense', ''])
      refusedWith(await send(gate, token, proof), 'invalid_dpop_proof', /no valid DPoP proof/)
  })

  it('is refused with two proofs', async () => {
    const proofs = [await key.prove({ url, token }), await key.prove({ url, token })]
    const text = JSON.stringify(body)
    const answer = await gate.raw(
      [
        'POST /mcp HTTP/1.1',
        `Host: ${new URL(url).host}`,
        `Authorization: DPoP ${token}`,
        ...proofs.map((proof) => `DPoP: ${proof}`),
        'Content-Type: application/json',
        `Content-Length: ${text.length}`,
        'Connection: close',
        '',
        text,
      ].join('\r\n'),
    )
    assert.match(answer, /^HTTP\/1\.1 401 /)
    assert.match(answer, /error="invalid_dpop_proof".*proof was sent twice/)
  })

  it('is refused with a proof that was used: of fifty at once, one passes', async () => {
    const proof = await key.prove({ url, token })
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(gate, token, proof)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    refusedWith(await send(gate, token, proof), 'invalid_dpop_proof', /used before/)
  })

  it('is refused with a proof that was used before a restart', async () => {
    const proof = await key.prove({ url, token })
    assert.equal((await send(gate, token, proof)).status, 200)
    await gate.installation.restart()
    refusedWith(await send(gate, token, proof), 'invalid_dpop_proof', /used before/)
  })

  it('names Bearer first and DPoP in each challenge (V14)', async () => {
    const { headers } = await gate.post(body)
    const algs = `DPoP algs="${proofAlgorithms.join(' ')}"`
    assert.match(headers.get('www-authenticate') ?? '', new RegExp(`^Bearer scope="[^"]+", .*, ${algs}$`))
    const proof = await key.prove({ url, token })
    const call = legacyRequest('tools/call', { name: 'x' })
    const refused = await gate.post(call, { headers: { authorization: `DPoP ${token}`, dpop: proof } })
    assert.equal(refused.status, 403)
    assert.match(
      refused.headers.get('www-authenticate') ?? '',
      /^Bearer error="insufficient_scope", scope="mcp:tools:read mcp:tools:execute", .*, DPoP error="insufficient_scope", scope="/,
    )
  })

  it('lets web pages send proofs and read nonces', async () => {
    const origin = 'http://localhost:6274'
    const preflight = { origin, 'access-control-request-method': 'POST' }
    for (const path of ['/mcp', '/token']) {
      const { headers } = await gate.post(undefined, { method: 'OPTIONS', path, headers: preflight })
      assert.match(headers.get('access-control-allow-headers') ?? '', /\bDPoP\b/, path)
      const answer = await gate.post('', { path, headers: { origin } })
      assert.match(answer.headers.get('access-control-expose-headers') ?? '', /\bDPoP-Nonce\b/, path)
    }
  })
})

describe('a token that is bound to no key (A13)', () => {
  it('is refused as DPoP', async () => {
    const gate = await startGatedSpy()
    const token = await gate.tokenFor(scope)
    const key = await proofKey()
    const proof = await key.prove({ url: gate.installation.mcpUrl, token })
    refusedWith(
      await send(gate, token, proof),
      'invalid_token',
      /Bearer error="invalid_token".*bound to no key/,
    )
    await gate.close()
  })
})

describe('dpop.nonce: required', () => {
  it('makes each proof carry a recent nonce of the server (V13)', async () => {
    const clock = movableClock()
    const gate = await startGatedSpy({ dpop: { nonce: 'required' } }, clock)
    const { url: issuer, mcpUrl: url } = gate.installation
    const key = await proofKey()
    const code = await gate.oauth.authorize({ scope })
    const redeem = async (claims: JWTPayload) =>
      gate.oauth.redeem(code, {}, { dpop: await key.prove({ url: `${issuer}/token` }, claims) })
    const asked = await redeem({})
    assert.equal(asked.body.error, 'use_dpop_nonce')
    const { body: tokens } = await redeem({ nonce: asked.headers.get('dpop-nonce') })
    const token = tokens.access_token

    const first = await send(gate, token, await key.prove({ url, token }))
    refusedWith(first, 'use_dpop_nonce', /Bearer scope=/)
    const nonce = first.headers.get('dpop-nonce') as string
    assert.equal((await send(gate, token, await key.prove({ url, token }, { nonce }))).status, 200)
    const made = await send(gate, token, await key.prove({ url, token }, { nonce: 'made up' }))
    refusedWith(made, 'use_dpop_nonce', /algs=/)

    const prove = (): Promise<string> =>
      key.prove({ url, token }, { nonce, iat: Math.floor(clock.now() / 1000) })
    clock.advance(60_000)
    const later = await send(gate, token, await prove())
    assert.equal(later.status, 200)
    assert.notEqual(later.headers.get('dpop-nonce'), nonce, 'a newer one comes with the answer')
    assert.ok(later.headers.get('dpop-nonce'))
    clock.advance(300_000)
    refusedWith(await send(gate, token, await prove()), 'use_dpop_nonce', /algs=/)
    await gate.close()
  })
})

describe('the setting dpop of a server', () => {
  const upstreams = (dpop: 'required' | 'off' | 'optional') =>
    [{ name: 'x', path: '/mcp', url: 'http://127.0.0.1:9/mcp', dpop }] satisfies ConfigInput['upstreams']
  const metadataOf = async (gate: GatedSpy, name = 'oauth-protected-resource/mcp') => {
    const answer = await fetch(`${gate.installation.url}/.well-known/${name}`)
    return (await answer.json()) as Record<string, unknown>
  }

  it('required refuses every token without a proof, and says so in the metadata', async () => {
    const gate = await startGatedSpy({ upstreams: upstreams('required') })
    const metadata = await metadataOf(gate)
    assert.deepEqual(metadata['dpop_signing_alg_values_supported'], [...proofAlgorithms])
    assert.equal(metadata['dpop_bound_access_tokens_required'], true)
    const token = await gate.tokenFor(scope)
    refusedWith(await gate.post(body, { token }), 'invalid_token', /comes without a proof/)
    const { json } = await gate.post(body, { headers: { authorization: token } })
    assert.match(json.error?.message ?? '', /must be DPoP, a space and the access token$/)
    const key = await proofKey()
    const bound = await boundToken(gate, key)
    const proof = await key.prove({ url: gate.installation.mcpUrl, token: bound })
    assert.equal((await send(gate, bound, proof)).status, 502, 'there is no server behind')
    await gate.close()
  })

  it('off names the scheme nowhere, and lets no bound token in as Bearer, nor one be made', async () => {
    const gate = await startGatedSpy({ upstreams: upstreams('optional') })
    const key = await proofKey()
    const token = await boundToken(gate, key)
    await gate.installation.restart({ upstreams: upstreams('off') })
    for (const name of ['oauth-protected-resource/mcp', 'oauth-authorization-server'])
      assert.equal((await metadataOf(gate, name))['dpop_signing_alg_values_supported'], undefined, name)
    const { mcpUrl: url, url: issuer } = gate.installation
    const proof = await key.prove({ url, token })
    for (const answer of [await gate.post(body, { token }), await send(gate, token, proof)]) {
      assert.equal(answer.status, 401)
      assert.doesNotMatch(answer.headers.get('www-authenticate') ?? '', /DPoP/)
    }
    const dpop = await key.prove({ url: `${issuer}/token` })
    const { status, body: refusal } = await gate.oauth.redeem(
      await gate.oauth.authorize({ scope }),
      {},
      { dpop },
    )
    assert.deepEqual([status, refusal.error], [400, 'invalid_request'])
    assert.match(String(refusal['error_description']), /no tokens that are bound to a key/)
    assert.equal((await gate.post(body, { token: await gate.tokenFor(scope) })).status, 502)
    await gate.close()
  })

  it('off at one of several servers leaves the scheme to the others', async () => {
    const others = upstreams('optional').map((other) => ({ ...other, name: 'y', path: '/y/mcp' }))
    const gate = await startGatedSpy({ upstreams: [...upstreams('off'), ...others] })
    const metadata = await metadataOf(gate, 'oauth-authorization-server')
    assert.deepEqual(metadata['dpop_signing_alg_values_supported'], [...proofAlgorithms])
    const key = await proofKey()
    for (const [path, type] of [
      ['/y/mcp', 'DPoP'],
      ['/mcp', undefined],
    ] as const) {
      const resource = gate.installation.url + path
      const code = await gate.oauth.authorize({ scope, resource })
      const dpop = await key.prove({ url: `${gate.installation.url}/token` })
      assert.equal((await gate.oauth.redeem(code, { resource }, { dpop })).body['token_type'], type, path)
    }
    await gate.close()
  })
})
