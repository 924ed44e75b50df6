import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, startGatedSpy } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import { challengeOf, type TokenAnswer } from '../support/oauth.ts'
import { proofKey } from '../support/proofs.ts'

const verifier = 'v'.repeat(43)

let gate: GatedSpy
before(async () => {
  const strict = {
    id: 'strict',
    redirectUris: ['http://127.0.0.1:1/callback'],
    pushedRequests: 'required' as const,
  }
  const bound = { id: 'bound', redirectUris: ['http://127.0.0.1:1/callback'], dpop: 'required' as const }
  gate = await startGatedSpy({ clients: [...testClients, strict, bound] })
})
after(() => gate.close())

const push = (parameters: Record<string, string> = {}, headers = {}): Promise<TokenAnswer> =>
  gate.oauth.token(
    {
      client_id: gate.oauth.clientId,
      redirect_uri: gate.oauth.redirectUri,
      response_type: 'code',
      code_challenge: challengeOf(verifier),
      code_challenge_method: 'S256',
      ...parameters,
    },
    { path: '/par', headers },
  )
const urlOf = (requestUri: string, more = {}, client_id = gate.oauth.clientId): string =>
  `${gate.installation.url}/authorize?${new URLSearchParams({ client_id, request_uri: requestUri, ...more }).toString()}`
const authorize = async (
  answer: TokenAnswer,
  more = {},
  clientId?: string,
): Promise<[URL | undefined, FormBrowser]> => {
  const browser = new FormBrowser()
  return [await browser.visit(urlOf(String(answer.body['request_uri']), more, clientId)), browser]
}

describe('pushed authorization requests (RFC 9126)', () => {
  it('are announced', async () => {
    const metadata = await fetch(`${gate.installation.url}/.well-known/oauth-authorization-server`)
    const document = (await metadata.json()) as Record<string, unknown>
    assert.equal(document['pushed_authorization_request_endpoint'], `${gate.installation.url}/par`)
    assert.equal(document['require_pushed_authorization_requests'], undefined)
    const dpopAlgorithms = document['dpop_signing_alg_values_supported'] as string[]
    assert.ok(dpopAlgorithms.includes('ES256'))
    assert.ok(
      dpopAlgorithms.every((algorithm) => /^(?:ES|PS|RS|Ed)/.test(algorithm)),
      'asymmetric ones alone (T9)',
    )
    const algorithms = document['token_endpoint_auth_signing_alg_values_supported'] as string[]
    assert.ok(algorithms.includes('ES256') && algorithms.includes('RS256'), 'for private_key_jwt (AM10)')
    assert.ok(algorithms.every((algorithm) => !algorithm.startsWith('HS')))
  })

  it('lead to a code, once, and live for a minute', async () => {
    const pushed = await push({ scope: 'mcp:tools:read', state: 's' })
    assert.equal(pushed.status, 201, JSON.stringify(pushed.body))
    assert.equal(pushed.body['expires_in'], 60)
    const [callback] = await authorize(pushed)
    assert.equal(callback?.searchParams.get('state'), 's')
    const code = String(callback?.searchParams.get('code'))
    const { body } = await gate.oauth.redeem({ code, verifier, callback })
    assert.equal(body.scope, 'mcp:tools:read')
    const [again, browser] = await authorize(pushed)
    assert.equal(again?.searchParams.get('code') ?? undefined, undefined)
    assert.match(again?.searchParams.get('error') ?? browser.lastPage.html, /invalid_request_uri/)
  })

  it('are completed like others: default scope, canonical resource, and no silent answer', async () => {
    const upper = gate.installation.mcpUrl.replace('http:', 'HTTP:')
    const pushed = await push({ prompt: 'none', resource: `${upper}/` })
    const [callback, browser] = await authorize(pushed)
    assert.ok(browser.pages.length > 0, 'a person saw a page')
    const code = String(callback?.searchParams.get('code'))
    const { body } = await gate.oauth.redeem({ code, verifier, callback: callback as URL })
    assert.equal(body.scope, 'mcp:tools:read mcp:resources:list mcp:prompts:list')
    assert.equal(decodeJwt(body.access_token).aud, gate.installation.mcpUrl)
  })

  it('cannot be changed in the URL, nor used by another client', async () => {
    const more = { scope: 'mcp:*', redirect_uri: 'http://127.0.0.1:1/other', prompt: 'none' }
    const [callback] = await authorize(await push({ scope: 'mcp:tools:read' }), more)
    assert.equal(callback?.pathname, '/callback')
    const code = String(callback?.searchParams.get('code'))
    const { body } = await gate.oauth.redeem({ code, verifier, callback })
    assert.equal(body.scope, 'mcp:tools:read')
    const [foreign] = await authorize(await push(), {}, 'strict')
    assert.equal(foreign?.searchParams.get('code') ?? undefined, undefined)
  })

  it('are checked when they are pushed', async () => {
    const wrong: [Record<string, string>, string][] = [
      [{ redirect_uri: 'https://evil.example/' }, 'invalid_request'],
      [{ resource: 'https://elsewhere.example/' }, 'invalid_target'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'request_uri_not_supported'],
      [{ request: 'x.y.z' }, 'request_not_supported'],
      [{ client_id: 'nobody' }, 'invalid_client'],
      [{ client_id: 'machine' }, 'invalid_client'],
    ]
    for (const [parameters, error] of wrong)
      assert.equal((await push(parameters)).body.error, error, JSON.stringify(parameters))
  })

  it('are no other when the media type is spelled otherwise: no silent answer, no form that posts itself', async () => {
    for (const type of [
      'Application/x-www-form-urlencoded',
      'APPLICATION/X-WWW-FORM-URLENCODED ; charset=utf-8',
    ])
      for (const response_mode of ['form_post', 'fragment', 'web_message']) {
        const pushed = await push({ response_mode, prompt: 'none' }, { 'content-type': type })
        assert.equal(pushed.body['request_uri'], undefined, `${type} ${response_mode}`)
        const silent = await push({ prompt: 'none' }, { 'content-type': type })
        const [, browser] = await authorize(silent)
        assert.ok(browser.pages.length > 0, 'a person saw a page')
      }
  })

  it('are forms: another media type is refused', async () => {
    for (const type of ['text/plain', 'application/json', 'multipart/form-data; boundary=x', 'x']) {
      const { status, body } = await push({}, { 'content-type': type })
      assert.equal(status, 415, type)
      assert.equal(body.error, 'invalid_request')
    }
  })

  it('are no longer than what fits into a URL', async () => {
    assert.equal((await push({ state: 'x'.repeat(17_000) })).status, 413)
  })

  it('are the only request_uri there is: nothing is fetched from elsewhere (A55)', async () => {
    for (const uri of [
      'https://evil.example/request',
      'http://127.0.0.1:9/',
      'urn:ietf:params:oauth:request_uri:made-up',
    ]) {
      const browser = new FormBrowser()
      const callback = await browser.visit(urlOf(uri))
      const seen = callback?.searchParams.get('error') ?? browser.lastPage.html
      assert.match(seen, /request_uri_not_supported|invalid_request_uri/, uri)
    }
  })

  it('are a must for a client of which they are required', async () => {
    const plain = `${gate.installation.url}/authorize?${new URLSearchParams({
      client_id: 'strict',
      response_type: 'code',
      redirect_uri: 'http://127.0.0.1:1/callback',
      code_challenge: challengeOf(verifier),
      code_challenge_method: 'S256',
    }).toString()}`
    const callback = await new FormBrowser().visit(plain)
    assert.equal(callback?.searchParams.get('error'), 'invalid_request')
    const [code] = await authorize(await push({ client_id: 'strict' }), {}, 'strict')
    assert.ok(code?.searchParams.get('code'))
  })

  it('bind the code to the key of their proof (T9)', async () => {
    const key = await proofKey()
    const { url } = gate.installation
    const pushed = await push({}, { dpop: await key.prove({ url: `${url}/par` }) })
    const [callback] = await authorize(pushed)
    const code = String(callback?.searchParams.get('code'))
    const issued = { code, verifier, callback: callback as URL }
    assert.equal((await gate.oauth.redeem(issued)).body.error, 'invalid_grant')
  })
})

describe('a client whose tokens must be bound (T9)', () => {
  it('gets none without a proof', async () => {
    const [callback] = await authorize(await push({ client_id: 'bound' }), {}, 'bound')
    const parameters = {
      grant_type: 'authorization_code',
      code: String(callback?.searchParams.get('code')),
      code_verifier: verifier,
      redirect_uri: gate.oauth.redirectUri,
      client_id: 'bound',
    }
    assert.equal((await gate.oauth.token(parameters)).body.error, 'invalid_dpop_proof')
    const key = await proofKey()
    const dpop = await key.prove({ url: `${gate.installation.url}/token` })
    const { body } = await gate.oauth.token(parameters, { headers: { dpop } })
    assert.equal(body['token_type'], 'DPoP')
    const again = { grant_type: 'refresh_token', refresh_token: body.refresh_token, client_id: 'bound' }
    const replayed = await gate.oauth.token(again, { headers: { dpop } })
    assert.deepEqual([replayed.status, replayed.body.error], [400, 'invalid_dpop_proof'])
    assert.match(
      String(replayed.body['error_description']),
      /^the DPoP proof is missing or was used before \(request /,
    )
    assert.equal((await gate.installation.audit()).at(-1)?.code, 'invalid_dpop_proof')
    const thief = await proofKey()
    const refresh = { grant_type: 'refresh_token', refresh_token: body.refresh_token, client_id: 'bound' }
    const stolen = { dpop: await thief.prove({ url: `${gate.installation.url}/token` }) }
    const refused = await gate.oauth.token(refresh, { headers: stolen })
    assert.equal(refused.body.error, 'invalid_grant', 'the refresh token of a public client is bound, too')
  })

  it('hears that the proof was used, and nothing of the grant, also where it comes 20 times at once (T9)', async () => {
    const { url } = gate.installation
    const dpop = await (await proofKey()).prove({ url: `${url}/token` })
    const parameters = {
      grant_type: 'client_credentials',
      client_id: 'machine',
      client_secret: 'machine-secret-of-the-tests',
      resource: `${url}/mcp`,
    }
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => gate.oauth.token(parameters, { headers: { dpop } })),
    )
    const refused = answers.filter(({ status }) => status !== 200)
    assert.deepEqual(
      refused.map(({ body }) => body.error),
      Array.from({ length: 19 }, () => 'invalid_dpop_proof'),
    )
  })

  it('keeps a token that it has bound by itself when a proof is missing', async () => {
    const key = await proofKey()
    const proven = async () => ({ dpop: await key.prove({ url: `${gate.installation.url}/token` }) })
    const [callback] = await authorize(await push())
    const code = String(callback?.searchParams.get('code'))
    const parameters = { client_id: gate.oauth.clientId, redirect_uri: gate.oauth.redirectUri }
    const { body } = await gate.oauth.token(
      { grant_type: 'authorization_code', code, code_verifier: verifier, ...parameters },
      { headers: await proven() },
    )
    const refresh = { grant_type: 'refresh_token', refresh_token: body.refresh_token, ...parameters }
    const without = await gate.oauth.token(refresh)
    assert.deepEqual([without.status, without.body.error], [400, 'invalid_dpop_proof'])
    assert.equal((await gate.oauth.token(refresh, { headers: await proven() })).status, 200)
  })
})
