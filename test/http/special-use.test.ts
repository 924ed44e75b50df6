import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressKind, leadsInside } from '../../src/http/special-use.ts'

describe('special-use addresses (R7, A51)', () => {
  const unusable = {
    'this network': '0.0.0.0 0.1.2.3',
    private: '10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 fc00::1 fd12:3456::1',
    'shared by carriers': '100.64.0.1 100.127.255.255',
    'of one link': '169.254.169.254 169.254.0.1 fe80::1 febf::1',
    'of protocols': '192.0.0.1 192.0.0.170 192.88.99.1 2001::1 2001:1ff::1',
    documentation: '192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1',
    benchmarks: '198.18.0.1 198.19.255.255 2001:2::1',
    'multicast, reserved, broadcast': '224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 ff02::1',
    'IPv4 inside IPv6':
      '::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1::1 2001:0:1::1',
    'other IPv6': ':: 100::1 100:0:0:1::1 fec0::1 5f00::1 4000::1 2001:10::1 2001:20::1 2620:4f:8000::1',
    'anycast for DNS sinks': '192.31.196.1 192.52.193.1 192.175.48.1',
    'no address at all': 'localhost example.com 1.2.3.4.5',
  }
  for (const [what, addresses] of Object.entries(unusable)) {
    it(`are unusable: ${what}`, () => {
      for (const address of addresses.split(' ')) assert.equal(addressKind(address), 'unusable', address)
    })
  }

  it('of loopback are told apart', () => {
    for (const address of ['127.0.0.1', '127.255.255.254', '::1'])
      assert.equal(addressKind(address), 'loopback', address)
  })

  it('are none of the public internet', () => {
    for (const address of [
      '8.8.8.8',
      '1.1.1.1',
      '172.15.0.1',
      '172.32.0.1',
      '100.128.0.1',
      '2606:4700::1111',
    ])
      assert.equal(addressKind(address), 'global', address)
  })
})

describe('hosts that lead inside (A54)', () => {
  const hostOf = (host: string): string => new URL(`https://${host}/`).hostname

  it('are known by their name, in any spelling', () => {
    for (const host of [
      'localhost',
      'LOCALHOST.',
      'app.localhost',
      'app.localhost.',
      '127.1',
      '0x7f000001',
      '0',
      '10.0.0.1',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[64:ff9b::7f00:1]',
    ])
      assert.ok(leadsInside(hostOf(host)), host)
  })

  it('are not all others', () => {
    for (const host of ['app.example', 'localhost.example', 'notlocalhost', '8.8.8.8', '[2606:4700::1111]'])
      assert.ok(!leadsInside(hostOf(host)), host)
  })
})
