import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { type ClientAddress, clientAddress, type ProxyHint } from '../../src/http/client-address.ts'

const trusted = ['10.0.0.0/8', '192.0.2.7', '2001:db8:ffff::/48']
const read = clientAddress(trusted)

function from(remoteAddress: string | undefined, headers: IncomingMessage['headers'], reader = read): string {
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) => [name, String(value)])
  return reader({ socket: { remoteAddress } as IncomingMessage['socket'], headers, rawHeaders })
}

describe('the address of a client', () => {
  it('knows a network of IPv4 that is written as IPv6, and no more than that', () => {
    const claim = { 'x-forwarded-for': '198.51.100.1' }
    const reader = clientAddress(['::ffff:10.0.0.0/104', '::ffff:192.0.2.7/128'])
    for (const proxy of ['10.9.9.9', '::ffff:10.9.9.9', '192.0.2.7'])
      assert.equal(from(proxy, claim, reader), '198.51.100.1', proxy)
    for (const stranger of ['11.0.0.1', '192.0.2.8', '::1'])
      assert.equal(from(stranger, claim, reader), stranger)
  })

  it('knows a single address of either version, and a network that ends near its last bits, and nobody beside', () => {
    const claim = { 'x-forwarded-for': '198.51.100.1' }
    const reader = clientAddress(['192.0.2.7', '2001:db8::7', '2001:db8:1::10/124', '::ffff:0:0/96'])
    for (const proxy of ['2001:db8::7', '2001:db8:1::1f', '192.0.2.7', '203.0.113.1'])
      assert.equal(from(proxy, claim, reader), '198.51.100.1', proxy)
    for (const stranger of ['2001:db8::8', '2001:db8:1::20', '::1'])
      assert.equal(from(stranger, claim, reader), stranger)
  })

  it('is the peer for everybody who is no trusted proxy, whatever they say (A39)', () => {
    const headers = { 'x-forwarded-for': '198.51.100.1', forwarded: 'for=198.51.100.1' }
    for (const peer of ['192.0.2.8', '11.0.0.1', '2001:db8:fffe::1']) assert.equal(from(peer, headers), peer)
    assert.equal(from('10.0.0.1', headers, clientAddress([])), '10.0.0.1', 'by default nobody is trusted')
    for (const gone of ['', undefined])
      assert.equal(from(gone, headers), '', 'a connection that is gone has no address any more')
  })

  it('is what a trusted proxy saw, and not what its client claims to have been before', () => {
    assert.equal(from('10.0.0.1', { 'x-forwarded-for': '203.0.113.9, 198.51.100.1' }), '198.51.100.1')
    assert.equal(from('10.0.0.1', { forwarded: 'for=203.0.113.9, for=198.51.100.1' }), '198.51.100.1')
    assert.equal(from('::ffff:10.0.0.1', { 'x-forwarded-for': '198.51.100.1' }), '198.51.100.1')
    assert.equal(from('10.0.0.1', { 'x-forwarded-for': '10.0.0.2,198.51.100.1' }), '198.51.100.1')
  })

  it('is the last that no trusted proxy has, over several of them', () => {
    const hops = '203.0.113.9, 198.51.100.1, 192.0.2.7, 2001:db8:ffff::9'
    assert.equal(from('10.0.0.1', { 'x-forwarded-for': hops }), '198.51.100.1')
    assert.equal(from('10.0.0.1', { 'x-forwarded-for': '10.0.0.3, 10.0.0.2' }), '10.0.0.3')
  })

  it('is read with ports and brackets', () => {
    for (const node of ['2001:DB8::1', '[2001:db8::1]', '[2001:db8::1]:443', ' 2001:db8:0:0::1 ']) {
      assert.equal(from('10.0.0.1', { 'x-forwarded-for': node }), '2001:db8::1', node)
    }
    assert.equal(from('10.0.0.1', { 'x-forwarded-for': '198.51.100.1:5000' }), '198.51.100.1')
    const element = 'proto=https; For="[2001:db8::1]:443" ;by=10.0.0.1'
    assert.equal(from('10.0.0.1', { forwarded: element }), '2001:db8::1')
  })

  it('is that of the proxy which wrote something that is no address', () => {
    for (const node of [
      '',
      'unknown',
      '_hidden',
      '1',
      '0x7f.1',
      '198.51.100',
      '[198.51.100.1]',
      '198.51.100.1:',
      '[2001:db8::1',
      'fe80::1%eth0',
      '[2001:db8::1]x',
      'x[2001:db8::1]',
      '198.51.100.1:80x',
      'x198.51.100.1:80',
      '198.51.100.1\t198.51.100.2',
    ]) {
      assert.equal(from('10.0.0.1', { 'x-forwarded-for': `203.0.113.9, ${node}` }), '10.0.0.1', node)
      assert.equal(
        from('10.0.0.1', { 'x-forwarded-for': `203.0.113.9, ${node}, 10.0.0.2` }),
        '10.0.0.2',
        node,
      )
    }
  })

  it('cannot be smuggled into what a proxy quotes', () => {
    for (const forwarded of [
      'for=198.51.100.1;host="a,for=203.0.113.9;b"',
      'for=198.51.100.1;host="a;for=203.0.113.9;b"',
      'for=198.51.100.1;host="\\",for=203.0.113.9;b=\\""',
      'for="203.0.113.9',
      'for=198.51.100.1;for=203.0.113.9',
      'host=203.0.113.9',
      'x-for=203.0.113.9',
      'for=203.0.113.9 198.51.100.1',
    ]) {
      assert.equal(from('10.0.0.1', { forwarded }), '10.0.0.1', forwarded)
    }
  })

  it('is in neither header where both came and disagree: one is the own of the client', () => {
    const headers = { 'x-forwarded-for': '198.51.100.1', forwarded: 'for=203.0.113.9' }
    assert.equal(from('10.0.0.1', headers), '10.0.0.1')
    assert.equal(from('10.0.0.1', { ...headers, forwarded: 'for=198.51.100.1' }), '198.51.100.1')
  })
})

describe('a proxy that nobody named', () => {
  const hear = (names: readonly string[]): { reader: ClientAddress; heard: string[] } => {
    const heard: string[] = []
    const hint: ProxyHint = {
      get isWanted() {
        return heard.length === 0
      },
      give: (header, peer) => heard.push(`${header} ${peer}`),
    }
    return { reader: clientAddress(names, hint), heard }
  }
  const claim = { 'x-forwarded-for': '198.51.100.1' }

  it('is heard of once, whether there are others or none', () => {
    for (const names of [[], trusted]) {
      const { reader, heard } = hear(names)
      // The last two are as long as the two that count.
      const others = { via: 'x-forwarded-for', 'accept-encoding': 'gzip', 'x-real-ip': '198.51.100.1' }
      from('127.0.0.1', others, reader)
      assert.deepEqual(heard, [])
      assert.equal(from('::ffff:127.0.0.1', claim, reader), '::ffff:127.0.0.1', 'and believed as little')
      from('127.0.0.2', claim, reader)
      assert.deepEqual(heard, ['X-Forwarded-For 127.0.0.1'])
    }
    for (const name of ['forwarded', 'Forwarded', 'X-Forwarded-For']) {
      const { reader, heard } = hear([])
      from('192.0.2.8', { Host: 'gate.example', Via: 'x', [name]: 'for=198.51.100.1' }, reader)
      assert.deepEqual(heard, [`${name.replace('f', 'F')} 192.0.2.8`])
    }
  })

  it('is none of those that are named', () => {
    const { reader, heard } = hear(trusted)
    from('10.0.0.1', claim, reader)
    assert.deepEqual(heard, [])
  })
})
