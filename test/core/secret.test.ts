import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { masterSecret, sealer, secretsEqual } from '../../src/core/secret.ts'

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
    assert.ok(secretsEqual('same', 'same'))
    assert.ok(!secretsEqual('same', 'same '))
    assert.ok(!secretsEqual('', 'x'))
  })
})
