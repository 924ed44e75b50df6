import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { publicKeysProblem } from '../../src/core/public-keys.ts'

const problemOf = (...keys: object[]): string | undefined => publicKeysProblem({ keys })
const jwk = ({ publicKey }: { publicKey: KeyObject }): object => publicKey.export({ format: 'jwk' })
const p256 = jwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const useless = [
  jwk(generateKeyPairSync('rsa', { modulusLength: 1024 })),
  jwk(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  jwk(generateKeyPairSync('x25519')),
  { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' },
  { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' },
  { kty: 'constructor' },
  { ...p256, use: 'enc' },
  { ...p256, alg: 'ES384' },
]

describe('the public keys of a client that signs', () => {
  it('are a set of keys, each with all that its type has', () => {
    for (const set of [undefined, null, 'keys', [], {}, { keys: p256 }, { keys: [] }])
      assert.match(publicKeysProblem(set) ?? '', /not a JWK set/, JSON.stringify(set))
    for (const key of [null, 'key', [p256]])
      assert.match(publicKeysProblem({ keys: [p256, key] }) ?? '', /not a JWK set/, JSON.stringify(key))
    for (const member of ['kty', 'crv', 'x', 'y'])
      assert.equal(problemOf({ ...p256, [member]: undefined }, p256), `has a key without ${member}`)
  })

  it('have no private one among them, whatever its type (A62)', () => {
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])
      assert.match(problemOf(p256, { ...p256, [member]: 'AAAA' }) ?? '', /private key/, member)
  })

  it('are of a kind that its assertions are verified with', () => {
    for (const key of [
      p256,
      { ...p256, use: 'sig', alg: 'ES256' },
      jwk(generateKeyPairSync('rsa', { modulusLength: 2048 })),
      jwk(generateKeyPairSync('ed25519')),
    ])
      assert.equal(problemOf(key), undefined)
  })

  it('are refused where the client could never sign in with any of them', () => {
    for (const key of useless) assert.match(problemOf(key) ?? '', /no key that an assertion/)
    assert.equal(problemOf(...useless, p256), undefined, 'others beside do no harm')
  })
})
