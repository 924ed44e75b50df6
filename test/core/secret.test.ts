import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  digestsEqual,
  masterSecret,
  repeatableSealer,
  sealer,
  secretsEqual,
  typeableId,
  vouchedName,
} from '../../src/core/secret.ts'

describe('secrets', () => {
  const secret = masterSecret(new Uint8Array(32).fill(7))

  it('derives a different key for each purpose, and the same one again', () => {
    assert.deepEqual(secret.derive('a'), secret.derive('a'))
    assert.notDeepEqual(secret.derive('a'), secret.derive('b'))
    assert.throws(() => masterSecret(new Uint8Array(31)), RangeError)
  })

  it('opens what it sealed, in the same context and unchanged, and nothing else', () => {
    const box = sealer(secret.derive('box'))
    const sealed = box.seal('text', 'mine')
    assert.equal(box.open(sealed, 'mine'), 'text')
    assert.equal(box.open(sealed, 'yours'), undefined)
    assert.equal(sealer(secret.derive('other')).open(sealed, 'mine'), undefined)
    for (const wrong of ['', 'x', sealed.slice(0, -4), `A${sealed.slice(1)}`])
      assert.equal(box.open(wrong, 'mine'), undefined)
    assert.notEqual(box.seal('text', 'mine'), sealed)
  })

  it('compares texts of different lengths', () => {
    for (const equal of [secretsEqual, digestsEqual]) {
      assert.ok(equal('same', 'same'))
      for (const other of ['same ', 'sama', '', 'sam\u00e9']) assert.ok(!equal('same', other))
    }
  })

  it('never seals two texts under one nonce', () => {
    const seals = sealer(masterSecret(new Uint8Array(32)).derive('nonces'))
    const nonces = Array.from({ length: 1000 }, () =>
      Buffer.from(seals.seal('text', 'here'), 'base64url').toString('hex', 0, 12),
    )
    assert.equal(new Set(nonces).size, 1000)
  })

  it('seals repeatably, and yet no two texts or contexts under one nonce', () => {
    const repeatable = repeatableSealer(secret.derive('key'), secret.derive('nonce'))
    const nonceOf = (text: string, context: string): string => repeatable.seal(text, context).slice(0, 16)
    assert.equal(repeatable.seal('a', 'c'), repeatable.seal('a', 'c'))
    const nonces = [
      nonceOf('a', 'c'),
      nonceOf('b', 'c'),
      nonceOf('a', 'd'),
      nonceOf('ac', ''),
      nonceOf('', 'ac'),
    ]
    assert.equal(new Set(nonces).size, nonces.length)
  })

  it('names users of providers apart, however their names and those of their providers end', () => {
    assert.notEqual(vouchedName('https://a.example', 'b'), vouchedName('https://a.exampl', 'eb'))
    assert.equal(vouchedName('https://a.example', 'b'), vouchedName('https://a.example', 'b'))
  })

  it('makes no id that a command line would take for a flag', () => {
    assert.deepEqual(['-a-b', '--ab', 'a-b'].map(typeableId), ['0a-b', '0-ab', 'a-b'])
  })
})
