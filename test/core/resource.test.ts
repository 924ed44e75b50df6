import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { resourceDirectory } from '../../src/core/protected-resource.ts'
import { canonicalResource, isLoopbackHost } from '../../src/core/resource.ts'
import { siteOf } from '../../src/core/site.ts'

describe('canonical resource (P14, N6)', () => {
  it('folds case, default port and trailing slash', () => {
    for (const spelling of [
      'https://gw.example/mcp',
      'HTTPS://GW.example/mcp',
      'https://gw.example:443/mcp',
      'https://gw.example/mcp/',
    ]) {
      assert.equal(canonicalResource(spelling), 'https://gw.example/mcp')
    }
    assert.equal(canonicalResource('https://gw.example/'), 'https://gw.example')
  })

  it('keeps different resources apart', () => {
    assert.equal(canonicalResource('https://gw.example/MCP'), 'https://gw.example/MCP')
    assert.equal(canonicalResource('https://gw.example:8443/mcp'), 'https://gw.example:8443/mcp')
    assert.equal(canonicalResource('https://gw.example/mcp?a=1'), 'https://gw.example/mcp?a=1')
  })

  it('refuses what can be no resource (RFC 8707 section 2)', () => {
    for (const wrong of [
      '',
      'mcp',
      '/mcp',
      'https://gw.example/mcp#f',
      'https://u@gw.example/mcp',
      'https://:p@gw.example/mcp',
      'ftp://gw.example/mcp',
      'urn:x',
    ]) {
      assert.equal(canonicalResource(wrong), undefined, wrong)
    }
  })
})

describe('a loopback host', () => {
  it('is localhost or a loopback address, and nothing that looks like one', () => {
    for (const host of ['localhost', '[::1]', '127.0.0.1', '127.8.9.10'])
      assert.ok(isLoopbackHost(host), host)
    for (const host of [
      '127.0.0.1.example.com',
      '127.0.0.1x',
      'x127.0.0.1',
      'localhost.example.com',
      '128.0.0.1',
    ])
      assert.ok(!isLoopbackHost(host), host)
  })
})

describe('resource directory', () => {
  const resource = (path: string) => ({
    name: path,
    path,
    resource: `http://127.0.0.1:3002${path}`,
    baselineScopes: [],
    takesProofs: true,
  })
  const site = siteOf('http://127.0.0.1:3002')

  it('finds a resource by every loopback spelling, and by the origin where it is the only one', () => {
    const directory = resourceDirectory([resource('/mcp')], site)
    for (const spelling of [
      'http://127.0.0.1:3002/mcp',
      'http://localhost:3002/mcp/',
      'http://[::1]:3002/mcp',
      'http://localhost:3002',
      'http://127.0.0.1:3002/',
    ]) {
      assert.equal(directory.find(spelling)?.resource, 'http://127.0.0.1:3002/mcp', spelling)
    }
    assert.equal(directory.find('http://127.0.0.1:3003/mcp'), undefined)
    assert.equal(directory.find('https://127.0.0.1:3002/mcp'), undefined)
    assert.equal(directory.find('http://127.0.0.1:3002/mc'), undefined)
  })

  it('has no fallback where there are several, also where the metadata at the root is about one of them', () => {
    for (const [other, root] of [
      ['/b/mcp', undefined],
      ['/mcp', '/mcp'],
    ] as const) {
      const directory = resourceDirectory([resource('/a/mcp'), resource(other)], site)
      assert.equal(directory.fallback, undefined)
      assert.equal(directory.find('http://127.0.0.1:3002'), undefined)
      assert.equal(directory.root?.path, root)
    }
  })

  it('under a path knows what lies there, and nothing at the root of the host', () => {
    const gate = siteOf('https://example.com/gate')
    const files = { ...resource('/mcp'), resource: 'https://example.com/gate/mcp' }
    const directory = resourceDirectory([files], gate)
    for (const known of [
      'https://example.com/gate/mcp/',
      'https://example.com/gate',
      'https://EXAMPLE.com/gate/',
    ])
      assert.equal(directory.find(known), files, known)
    for (const other of ['https://example.com', 'https://example.com/mcp', 'https://example.com/gate/x'])
      assert.equal(directory.find(other), undefined, other)
  })
})
