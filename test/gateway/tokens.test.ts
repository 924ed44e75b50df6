import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'
import { systemClock as clock } from '../../src/core/clock.ts'
import { openKeyRing } from '../../src/keys/key-ring.ts'
import { loadMasterSecret } from '../../src/keys/master-secret.ts'
import { openStore } from '../../src/storage/open.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { listen } from '../support/listen.ts'

let gate: GatedSpy
let good: string
before(async () => {
  gate = await startGatedSpy()
  good = await gate.tokenFor('mcp:*')
})
after(() => gate.close())

const now = (): number => Math.floor(Date.now() / 1000)
const decode = (part: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/** Signs with the installation's own key, through the command's back door for developers. */
async function signed(claims: JWTPayload, header: Record<string, unknown> = {}): Promise<string> {
  const folder = gate.installation.data
  const store = await openStore({ folder, secret: loadMasterSecret({ folder }), clock })
  const keys = await openKeyRing({
    store: store.keys,
    purpose: 'authorization-server',
    algorithm: 'ES256',
    clock,
  })
  await store.close()
  const base = {
    iss: gate.installation.url,
    sub: 'u',
    aud: gate.installation.mcpUrl,
    client_id: 'c',
    scope: 'mcp:*',
    iat: now(),
    exp: now() + 60,
  }
  return new SignJWT({ ...base, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: keys.signing.kid, typ: 'at+jwt', ...header })
    .sign(keys.signing.key)
}

async function refused(token: string, reason?: RegExp): Promise<void> {
  const earlier = gate.spy.seen.length
  const answer = await gate.post(legacyRequest('tools/list'), { token })
  assert.equal(answer.status, 401, answer.text)
  const challenge = answer.headers.get('www-authenticate') ?? ''
  assert.match(
    challenge,
    /^Bearer error="invalid_token", scope="[^"]+", resource_metadata="[^"]+", error_description="[^"]+", DPoP error="invalid_token", algs="[^"]+"$/,
  )
  if (reason !== undefined) assert.match(challenge, reason)
  assert.equal(gate.spy.seen.length, earlier, 'the server was called')
}

describe('an access token', () => {
  it('passes when everything about it is right', async () => {
    assert.equal((await gate.post(legacyRequest('tools/list'), { token: good })).status, 200)
    assert.equal((await gate.post(legacyRequest('tools/list'), { token: await signed({}) })).status, 200)
    const several = await signed({ aud: ['https://elsewhere.example', gate.installation.mcpUrl] })
    assert.equal((await gate.post(legacyRequest('tools/list'), { token: several })).status, 200)
  })

  it('is refused for another audience (A2, V3)', async () => {
    const { mcpUrl, url } = gate.installation
    for (const aud of [
      `${url}/mc`,
      `${mcpUrl}/`,
      `${mcpUrl}x`,
      mcpUrl.toUpperCase(),
      `${url}/git/mcp`,
      url,
      'user-client',
      [],
      ['a', 'b'],
      '',
    ]) {
      await refused(await signed({ aud }), aud === '' || Array.isArray(aud) ? undefined : /another resource/)
    }
  })

  it('is refused from another issuer, with the same kid or a slash (A3)', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const header = decode(good.split('.')[0] as string)
    const forged = await new SignJWT(decode(good.split('.')[1] as string))
      .setProtectedHeader(header as never)
      .sign(privateKey)
    await refused(forged, /wrong signature/)
    await refused(await signed({ iss: `${gate.installation.url}/` }), /unknown issuer/)
    await refused(await signed({ iss: 'https://elsewhere.example' }), /unknown issuer/)
  })

  it('is refused with none, with a symmetric or unexpected algorithm, with crit (A4)', async () => {
    const [header, payload] = good.split('.') as [string, string]
    const kid = decode(header)['kid']
    const { keys } = (await (await fetch(`${gate.installation.url}/jwks`)).json()) as { keys: [JWK] }
    const pem = await exportSPKI((await importJWK(keys[0], 'ES256', { extractable: true })) as CryptoKey)
    await refused(`${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`)
    for (const key of [JSON.stringify(keys[0]), pem]) {
      const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${payload}`
      await refused(`${input}.${createHmac('sha256', key).update(input).digest('base64url')}`)
    }
    const { privateKey } = await generateKeyPair('RS256')
    await refused(
      await new SignJWT(decode(payload)).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt' }).sign(privateKey),
    )
    const critical = `${encode({ ...decode(header), crit: ['x'], x: 1 })}.${payload}.${good.split('.')[2]}`
    await refused(critical)
  })

  it('is refused with a key of its own, which nobody fetches (A4)', async (test) => {
    let fetched = 0
    const server = createServer((_req, res) => {
      fetched++
      res.end('{}')
    })
    const jku = `${(await listen(server, test)).url}/jwks`
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const payload = decode(good.split('.')[1] as string)
    for (const header of [{ jku }, { x5u: jku }, { jwk: await exportJWK(publicKey) }]) {
      const forged = new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header })
      await refused(await forged.sign(privateKey))
    }
    assert.equal(fetched, 0)
  })

  it('is refused outside its time (A5)', async () => {
    await refused(await signed({ exp: now() - 10 }), /expired/)
    await refused(await signed({ nbf: now() + 60 }), /not valid yet/)
    await refused(await signed({ exp: now() + 10 * 365 * 24 * 3600 }), /lives too long/)
    await refused(await signed({ exp: undefined as never }), /lacks a claim/)
    await refused(await signed({ sub: undefined as never }), /lacks a claim/)
    assert.equal(
      (await gate.post(legacyRequest('ping'), { token: await signed({ exp: now() - 1 }) })).status,
      200,
      'clock skew',
    )
  })

  it('is refused when it is another kind of token (A6)', async () => {
    for (const typ of ['JWT', 'portcullis-identity+jwt', 'oauth-id-jag+jwt', 'dpop+jwt', 'logout+jwt']) {
      await refused(await signed({}, { typ }), /no access token/)
    }
    const { refresh_token: refresh } = await gate.oauth.signIn({ scope: 'mcp:tools:read' })
    await refused(refresh, /malformed/)
    await refused('a.b.c', /malformed/)
    const withId = await gate.oauth.signIn({ scope: 'openid mcp:tools:read' })
    await refused(withId['id_token'] as string)
  })

  it('is refused when it is bound in a way that nobody checks here (A13)', async () => {
    for (const cnf of [{ 'x5t#S256': 'x' }, { jkt: 'x', 'x5t#S256': 'x' }, { jkt: 7 }, {}, 'x', null])
      await refused(await signed({ cnf }), /bound in an unknown way/)
    await refused(await signed({ cnf: { jkt: 'x' } }), /comes without a proof/)
  })

  it('is refused when it was changed', async () => {
    const [header, payload, signature] = good.split('.') as [string, string, string]
    await refused(
      `${header}.${encode({ ...decode(payload), scope: 'mcp:* more' })}.${signature}`,
      /wrong signature/,
    )
    await refused(`${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`)
  })

  it('never shows in the answer what was sent (A14)', async () => {
    const answer = await gate.post(legacyRequest('ping'), { token: 'eyJhbGciOiJub25lIn0.c2VjcmV0.' })
    assert.doesNotMatch(answer.text + JSON.stringify([...answer.headers]), /c2VjcmV0/)
  })
})
