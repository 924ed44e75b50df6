import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose'
import { Configuration } from 'openid-client'
import { systemClock } from '../../src/core/clock.ts'
import { issuerIntrospection } from '../../src/issuer/issuer-introspection.ts'
import { issuerKeys } from '../../src/issuer/issuer-keys.ts'

interface Pair {
  readonly jwk: JWK
  readonly key: CryptoKey
}

async function pair(alg: string, members: JWK = {}): Promise<Pair> {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return { jwk: { ...(await exportJWK(publicKey)), ...members }, key: privateKey }
}

/** Whether the issuer's keys verify a token with a header. */
async function verifies(keys: readonly JWK[], signer: CryptoKey, header: object): Promise<boolean | string> {
  const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', ...header }).sign(signer)
  const resolve = issuerKeys(() => assert.fail('the metadata is not needed'), 'https://issuer.example/keys', {
    fetch: async () => Response.json({ keys }),
    clock: systemClock,
  })
  return jwtVerify(token, resolve).then(
    () => true,
    (error: { code: string }) => error.code,
  )
}

describe('the keys of an issuer', () => {
  it('may share a kid, or have none (A8)', async () => {
    const same = await Promise.all([
      pair('ES256', { kid: 'k' }),
      pair('ES256', { kid: 'k' }),
      pair('RS256', { kid: 'k' }),
    ])
    const jwks = same.map(({ jwk }) => jwk)
    assert.equal(await verifies(jwks, same[0].key, { kid: 'k' }), true)
    assert.equal(await verifies(jwks, same[1].key, { kid: 'k' }), true)
    assert.equal(await verifies(jwks, same[2].key, { kid: 'k', alg: 'RS256' }), true)
    assert.equal(await verifies(jwks, same[1].key, {}), true)
    const stranger = await pair('ES256')
    const failed = 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'
    assert.equal(await verifies(jwks, stranger.key, { kid: 'k' }), failed)
    assert.equal(await verifies(jwks, stranger.key, { kid: 'other' }), 'ERR_JWKS_NO_MATCHING_KEY')
  })

  it('are not tried without end, and one that is no key spoils nothing (A8)', async () => {
    const many = await Promise.all(Array.from({ length: 5 }, () => pair('ES256', { kid: 'k' })))
    const jwks = many.map(({ jwk }) => jwk)
    const [, , , fourth, fifth] = many as [Pair, Pair, Pair, Pair, Pair]
    assert.equal(await verifies(jwks, fourth.key, { kid: 'k' }), true)
    assert.equal(await verifies(jwks, fifth.key, { kid: 'k' }), 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED')
    const broken = { ...fourth.jwk, x: 'AA' }
    assert.equal(await verifies([broken, fourth.jwk], fourth.key, { kid: 'k' }), true)
  })

  it('are missed by name where its metadata names none, and so is the endpoint for questions about tokens', async () => {
    const metadata = async () => new Configuration({ issuer: 'https://issuer.example' }, 'us')
    const resolve = issuerKeys(metadata, undefined, { fetch: async () => assert.fail(), clock: systemClock })
    const { key } = await pair('ES256')
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).sign(key)
    await assert.rejects(jwtVerify(token, resolve), /^Error: the metadata of the issuer names no keys$/)
    const ask = issuerIntrospection(
      { issuer: 'https://issuer.example', url: undefined, clientId: 'us', clientSecret: { current: 's' } },
      metadata,
      async () => assert.fail(),
    )
    await assert.rejects(ask(token), /the metadata of the issuer names no introspection endpoint$/)
  })

  it('are read again after ten minutes, so that one that is withdrawn counts no longer', async (test) => {
    test.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const [withdrawn, other] = await Promise.all([pair('ES256', { kid: 'a' }), pair('ES256', { kid: 'b' })])
    let keys = [withdrawn.jwk]
    const resolve = issuerKeys(
      () => assert.fail('the metadata is not needed'),
      'https://issuer.example/keys',
      {
        fetch: async () => Response.json({ keys }),
        clock: systemClock,
      },
    )
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'a' }).sign(withdrawn.key)
    await jwtVerify(token, resolve)
    keys = [other.jwk]
    test.mock.timers.tick(599_000)
    await jwtVerify(token, resolve)
    test.mock.timers.tick(1001)
    await assert.rejects(jwtVerify(token, resolve), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })
})

describe('an issuer that is asked about tokens', () => {
  it('is asked where the operator says, whatever its metadata says, and within the bounds of all requests', async () => {
    const url = 'https://issuer.example/introspect'
    const ask = issuerIntrospection(
      { issuer: 'https://issuer.example', url, clientId: 'us', clientSecret: { current: 's' } },
      () => assert.fail('the metadata is not needed'),
      async (address, options) => {
        assert.equal(address, url)
        const token = new URLSearchParams(String(options?.body)).get('token')
        return Response.json({ active: token === 'good', sub: 'ada' })
      },
    )
    assert.deepEqual(await ask('good'), { sub: 'ada' })
    assert.equal(await ask('over'), undefined)
  })
})
