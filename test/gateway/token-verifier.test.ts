import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type CryptoKey, generateKeyPair, SignJWT } from 'jose'
import { systemClock } from '../../src/core/clock.ts'
import { standardReading } from '../../src/gateway/read-claims.ts'
import { createTokenVerifier, type TokenVerifier } from '../../src/gateway/token-verifier.ts'
import { movableClock } from '../support/movable-clock.ts'

const issuer = 'https://as.example'
const resource = 'https://gate.example/mcp'

describe('a token that was verified before', () => {
  let keys: { publicKey: CryptoKey; privateKey: CryptoKey }
  before(async () => {
    keys = await generateKeyPair('ES256')
  })

  /** A verifier, and what it hears of keys and revocations by now. */
  const open = (): {
    verifier: TokenVerifier
    now: { isRevoked: boolean | 'unknown'; hasKey: boolean }
    token: () => Promise<string>
  } => {
    const now = { isRevoked: false as boolean | 'unknown', hasKey: true }
    const verifier = createTokenVerifier({
      issuers: [
        {
          issuer,
          keys: async () => keys.publicKey,
          algorithms: ['ES256'],
          tokenTypes: ['at+jwt'],
          claims: standardReading,
          hasForeignUsers: false,
          hasKey: () => now.hasKey,
        },
      ],
      clock: systemClock,
      isRevoked: () => now.isRevoked,
      onVerified: () => undefined,
    })
    const token = (): Promise<string> =>
      new SignJWT({ client_id: 'client' })
        .setProtectedHeader({ alg: 'ES256', kid: 'key', typ: 'at+jwt' })
        .setIssuer(issuer)
        .setSubject('user')
        .setAudience(resource)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(keys.privateKey)
    return { verifier, now, token }
  }

  for (const [what, change, code] of [
    ['is revoked', { isRevoked: true }, 'token_invalid'],
    ['could be revoked without anybody knowing', { isRevoked: 'unknown' }, 'keys_unavailable'],
    ['is signed with a key that was retired since', { hasKey: false }, 'token_invalid'],
  ] as const)
    it(`counts no more where it ${what}, for a request and for a stream (A8, A9, A72)`, async () => {
      const { verifier, now, token } = open()
      const presented = await token()
      const principal = await verifier.verify(presented, resource)
      assert.equal(verifier.isCurrent(principal), true)
      Object.assign(now, change)
      assert.throws(() => verifier.verify(presented, resource), { code })
      assert.equal(verifier.isCurrent(principal), false)
      Object.assign(now, { isRevoked: false, hasKey: true })
      assert.equal(await verifier.verify(presented, resource), principal)
      assert.equal(verifier.isCurrent(principal), true)
    })
})

it('an answer about an opaque token is as old as its question (A67)', async () => {
  const clock = movableClock()
  clock.stop()
  let questions = 0
  const verifier = createTokenVerifier({
    issuers: [
      {
        issuer,
        keys: () => assert.fail('nobody has signed this'),
        algorithms: [],
        tokenTypes: [],
        claims: standardReading,
        hasForeignUsers: false,
        introspection: {
          async ask() {
            questions++
            clock.advance(20_000)
            return { sub: 'user', client_id: 'client', aud: resource, exp: clock.now() / 1000 + 300 }
          },
          cacheSeconds: 30,
        },
      },
    ],
    clock,
    isRevoked: () => false,
    onVerified: () => undefined,
  })
  await verifier.verify('opaque', resource)
  clock.advance(9000)
  await verifier.verify('opaque', resource)
  assert.equal(questions, 1)
  clock.advance(1000)
  await verifier.verify('opaque', resource)
  assert.equal(questions, 2)
})
