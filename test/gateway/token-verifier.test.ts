import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type CryptoKey, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import type { Refusal } from '../../src/core/errors.ts'
import { standardReading } from '../../src/gateway/token/read-claims.ts'
import { createTokenVerifier, type TokenVerifier } from '../../src/gateway/token/token-verifier.ts'
import { movableClock } from '../support/movable-clock.ts'
import { until } from '../support/until.ts'

const issuer = 'https://as.example'
const resource = 'https://gate.example/mcp'
const address = '192.0.2.1'

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
      const principal = await verifier.verify(presented, resource, address)
      assert.equal(verifier.isCurrent(principal), true)
      Object.assign(now, change)
      assert.throws(() => verifier.verify(presented, resource, address), { code })
      assert.equal(verifier.isCurrent(principal), false)
      Object.assign(now, { isRevoked: false, hasKey: true })
      assert.equal(await verifier.verify(presented, resource, address), principal)
      assert.equal(verifier.isCurrent(principal), true)
    })
})

/** A verifier of the opaque tokens of one issuer. */
function verifierOfOpaque(
  ask: (token: string) => Promise<JWTPayload | undefined>,
  clock: Clock,
): TokenVerifier {
  return createTokenVerifier({
    issuers: [
      {
        issuer,
        keys: () => assert.fail('nobody has signed this'),
        algorithms: [],
        tokenTypes: [],
        claims: standardReading,
        hasForeignUsers: false,
        introspection: { ask, cacheSeconds: 30 },
      },
    ],
    clock,
    isRevoked: () => false,
    onVerified: () => undefined,
  })
}

it('an answer about an opaque token is as old as its question (A67)', async () => {
  const clock = movableClock()
  clock.stop()
  let questions = 0
  const verifier = verifierOfOpaque(async () => {
    questions++
    clock.advance(20_000)
    return { sub: 'user', client_id: 'client', aud: resource, exp: clock.now() / 1000 + 300 }
  }, clock)
  await verifier.verify('opaque', resource, address)
  clock.advance(9000)
  await verifier.verify('opaque', resource, address)
  assert.equal(questions, 1)
  clock.advance(1000)
  await verifier.verify('opaque', resource, address)
  assert.equal(questions, 2)
})

it('a stream lasts for as long as the issuer vouches for its token, whether or not it names an end (A9, A67)', async () => {
  const clock = movableClock()
  clock.stop()
  let exp: number | undefined
  let questions = 0
  const verifier = verifierOfOpaque(async () => {
    questions++
    return { sub: 'user', client_id: 'client', aud: resource, ...(exp === undefined ? {} : { exp }) }
  }, clock)
  const principal = await verifier.verify('opaque', resource, address)
  for (const count of [2, 3, 4]) {
    clock.advance(31_000)
    assert.equal(verifier.isCurrent(principal), true)
    await setImmediate()
    assert.equal(questions, count)
  }
  exp = Math.floor(clock.now() / 1000) + 40
  clock.advance(31_000)
  assert.equal(verifier.isCurrent(principal), true)
  await setImmediate()
  assert.equal(questions, 5)
  clock.advance(15_000)
  assert.equal(verifier.isCurrent(principal), false)
})

it('tokens that somebody makes up keep nobody else from being asked about (A36)', async () => {
  const clock = movableClock()
  const asked: string[] = []
  const answers: (() => void)[] = []
  const verifier = verifierOfOpaque(async (token) => {
    asked.push(token)
    if (!token.startsWith('made-up')) {
      const exp = Math.floor(clock.now() / 1000) + 3600
      return { sub: 'user', client_id: 'client', aud: resource, exp }
    }
    await new Promise<void>((resolve) => answers.push(resolve))
    return undefined
  }, clock)
  const known = await verifier.verify('known', resource, address)
  await verifier.verify('known, without a stream', resource, address)
  clock.advance(31_000)
  const madeUp = Promise.allSettled(
    Array.from({ length: 700 }, async (_, index) =>
      verifier.verify(`made-up-${index}`, resource, `2001:db8:0:${index}::7`),
    ),
  )
  await until(() => answers.length > 0, 'the issuer is asked')
  assert.ok(asked.length < 64, 'fewer than may be asked about at all')
  assert.equal(verifier.isCurrent(known), true)
  await verifier.verify('known', resource, address)
  assert.deepEqual(asked.slice(-1), ['known'])
  await verifier.verify('known, without a stream', resource, address)
  const other = verifier.verify('new', resource, address)
  for (const answer of answers.splice(0, 2)) answer()
  await other
  while (answers.length > 0) {
    answers.shift()?.()
    await setImmediate()
  }
  const reasons = Map.groupBy(
    await madeUp,
    (one) => one.status === 'rejected' && (one.reason as Refusal).code,
  )
  assert.deepEqual(new Set(reasons.keys()), new Set(['keys_unavailable', 'token_invalid']))
})
