import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { networkOf } from '../../src/core/network.ts'

describe('the network of an address, which limits count as one caller', () => {
  it('is an IPv4 address, also one that is written as IPv6', () => {
    assert.notEqual(networkOf('192.0.2.1'), networkOf('192.0.2.2'))
    for (const spelling of ['::ffff:192.0.2.1', '::FFFF:c000:201'])
      assert.equal(networkOf(spelling), networkOf('192.0.2.1'))
    // As old programs write it: octal.
    assert.equal(networkOf('192.0.02.1'), '192.0.2.1')
  })

  it('is the /48 of an IPv6 address, in each spelling', () => {
    const one = networkOf('2001:db8:1::1')
    for (const same of ['2001:db8:1:ffff::9', '2001:0DB8:0001:0:0:0:0:2', '2001:db8:1::192.0.2.1'])
      assert.equal(networkOf(same), one, same)
    for (const other of ['2001:db8:2::1', '2001:db8::1', '::1']) assert.notEqual(networkOf(other), one, other)
  })

  it('is the text itself where that is no address', () => {
    assert.equal(networkOf('unknown'), 'unknown')
  })
})
