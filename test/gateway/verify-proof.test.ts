import assert from 'node:assert/strict'
import { before, beforeEach, describe, it } from 'node:test'
import type { JWTPayload } from 'jose'
import type { Refusal } from '../../src/core/errors.ts'
import { proofNonces } from '../../src/gateway/token/proof-nonces.ts'
import { createProofVerifier, type ProofVerifier } from '../../src/gateway/token/verify-proof.ts'
import { type ProofKey, proofKey } from '../support/proofs.ts'

const seconds = 1_600_000_000
const clock = { now: () => seconds * 1000 }
const nonces = proofNonces(Buffer.alloc(32, 1), clock)
const earlier = proofNonces(Buffer.alloc(32, 1), { now: () => (seconds - 120) * 1000 }).current()
const request = { method: 'POST', path: '/mcp', token: 'token' }

let mine: ProofKey
let theirs: ProofKey
/** What the store was asked. */
let stored: [string, number][]
before(async () => {
  mine = await proofKey()
  theirs = await proofKey()
})
beforeEach(() => {
  stored = []
})

function verifier({ nonceRequired = false, isFirst = true } = {}): ProofVerifier {
  return createProofVerifier({
    origins: ['https://gate.example'],
    clock,
    nonces,
    nonceRequired,
    firstUse: async (id, expiresAt) => stored.push([id, expiresAt]) > 0 && isFirst,
  })
}

const prove = (claims: JWTPayload = {}, key = mine): Promise<string> =>
  key.prove({ url: 'https://gate.example/mcp', token: 'token' }, { iat: seconds, ...claims })

/** The reason for refusing a proof, or the nonce that the client should use next. */
const check = async (by: ProofVerifier, proof: string, key = mine): Promise<unknown> =>
  by
    .verify({ ...request, proof, thumbprint: key.thumbprint })
    .catch(({ code, reason }: Refusal) => [code, reason])

describe('a proof that is checked (V13, A13)', () => {
  it('has one of our nonces if it has any, and is told of a newer one', async () => {
    for (const nonceRequired of [false, true]) {
      const by = verifier({ nonceRequired })
      assert.equal(await check(by, await prove({ nonce: nonces.current() })), undefined)
      assert.equal(await check(by, await prove({ nonce: earlier })), nonces.current())
      for (const nonce of ['made-up', 5, '', null])
        assert.deepEqual(
          await check(by, await prove({ nonce })),
          ['proof_nonce_needed', 'proof lacks a nonce of ours'],
          String(nonce),
        )
    }
    assert.equal(await check(verifier(), await prove()), undefined)
    assert.ok(Array.isArray(await check(verifier({ nonceRequired: true }), await prove())))
  })

  it('is used once, and the store is asked once', async () => {
    const by = verifier()
    const proof = await prove()
    assert.equal(await check(by, proof), undefined)
    assert.deepEqual(await check(by, proof), ['proof_invalid', 'proof was used before'])
    assert.deepEqual(
      stored.map(([, expiresAt]) => expiresAt),
      [(seconds + 300) * 1000],
    )
    assert.deepEqual(await check(verifier({ isFirst: false }), await prove()), [
      'proof_invalid',
      'proof was used before',
    ])
  })

  it('has an id', async () => {
    for (const jti of ['', 5])
      assert.deepEqual(await check(verifier(), await prove({ jti } as JWTPayload)), [
        'proof_invalid',
        'proof lacks a jti',
      ])
  })

  it('may have an id that somebody else has chosen as well', async () => {
    const by = verifier()
    assert.equal(await check(by, await prove({ jti: 'same' })), undefined)
    assert.equal(await check(by, await prove({ jti: 'same' }, theirs), theirs), undefined)
    assert.equal(new Set(stored.map(([id]) => id)).size, 2)
  })

  it('is signed by an algorithm that was announced, whatever others there are', async () => {
    const other = await proofKey('ES384')
    const refused = await check(verifier(), await prove({}, other), other)
    assert.deepEqual(refused, ['proof_invalid', 'proof is no valid DPoP proof'])
  })

  it('is refused with what is wrong with it, for the log', async () => {
    for (const [proof, said] of [
      ['x', 'Invalid Compact JWS'],
      [await prove({}, await proofKey('ES384')), '"alg" (Algorithm) Header Parameter value not allowed'],
      [`${await prove()}x`, 'signature verification failed'],
    ] as const) {
      const presented = { ...request, proof, thumbprint: mine.thumbprint }
      const refusal = await verifier()
        .verify(presented)
        .catch((error: Refusal) => error)
      assert.equal((refusal as Refusal).detail.specifics, said)
    }
  })

  it('is recent by our clock, in either direction', async () => {
    for (const [iat, isRecent] of [
      [seconds - 300, true],
      [seconds + 300, true],
      [seconds - 301, false],
      [seconds + 301, false],
    ] as const) {
      const refused = await check(verifier(), await prove({ iat }))
      assert.equal(refused === undefined, isRecent, String(iat))
    }
    assert.equal(await check(verifier(), await prove({ exp: seconds + 60 })), undefined)
  })
})
