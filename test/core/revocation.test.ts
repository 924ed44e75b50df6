import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { holdersOf, isIssuedBefore } from '../../src/core/revocation.ts'

describe('what a token ends with', () => {
  const clientsOf = (claims: object): readonly string[] => holdersOf({ client_id: 'c', ...claims }).clients

  it('is the client that has it, unless a person granted it', () => {
    assert.deepEqual(clientsOf({}), ['c'])
    assert.deepEqual(clientsOf({ gid: 'g' }), [])
    assert.deepEqual(clientsOf({ gid: 7 }), ['c'])
  })

  it('is whoever handed it on, however long ago', () => {
    const act = { sub: 'c', act: { sub: 'b', act: { sub: 'a' } } }
    assert.deepEqual(clientsOf({ gid: 'g', act }), ['c', 'b', 'a'])
    assert.deepEqual(clientsOf({ act }), ['c', 'b', 'a'])
  })

  it('is who redeemed an assertion for it, and whom that was about', () => {
    const act = { sub: 'c' }
    assert.deepEqual(clientsOf({ gid: 'g', act, assertion: { client: 'd' } }), ['d', 'c'])
    assert.equal(holdersOf({ assertion: { client: 'd', user: 'u' } }).vouchedUser, 'u')
    assert.equal(holdersOf({ assertion: { client: 'd' } }).vouchedUser, undefined)
  })

  it('is nothing that is no text, in tokens of others', () => {
    for (const act of [null, 'x', 7, [], { act: null }, { sub: 7, act: 'x' }])
      assert.deepEqual(clientsOf({ gid: 'g', act }), [])
    for (const assertion of [null, 'x', 7, { client: 7, user: {} }])
      assert.deepEqual(holdersOf({ gid: 'g', assertion }), { clients: [], vouchedUser: undefined })
  })
})

it('a token counts as issued before a revocation that may have been recorded by a clock which is ten seconds behind, during the six that issuing takes', () => {
  const revokedAt = 100_000
  assert.equal(isIssuedBefore(revokedAt, 116), true)
  assert.equal(isIssuedBefore(revokedAt, 117), false)
})
