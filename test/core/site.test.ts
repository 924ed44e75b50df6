import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { siteOf } from '../../src/core/site.ts'

const documents = '/.well-known/oauth-authorization-server'

describe('a site', () => {
  for (const base of ['', '/gate', '/team/gate']) {
    it(`at ${base || 'the root'} knows the paths that it writes, and where they lead (AM4, D3)`, () => {
      const site = siteOf(`https://example.com${base}`)
      assert.equal(site.url, `https://example.com${base}`)
      assert.equal(site.path('/mcp'), `${base}/mcp`)
      assert.equal(site.localPath(`${base}/mcp`), '/mcp')
      assert.equal(site.localPath(`${base}/`), '/')
      for (const local of ['', '/mcp', '/a/mcp']) {
        const path = site.wellKnownPath('oauth-authorization-server', local)
        assert.equal(path, documents + base + local)
        assert.equal(site.localPath(path), documents + local)
        assert.equal(site.localPath(base + local + documents), local + documents, 'appended')
      }
    })
  }

  it('takes a document for a well-known one where the path begins with it alone', () => {
    assert.equal(siteOf('https://example.com').localPath('/a/.well-known/b'), '/a/.well-known/b')
  })

  it('under a path answers for that path alone', () => {
    const site = siteOf('https://example.com/gate')
    assert.equal(site.localPath('/gate'), '/')
    for (const path of [
      '/',
      '',
      '*',
      '/mcp',
      '/gate2/mcp',
      '/Gate/mcp',
      '/gat',
      '//gate/mcp',
      '/other/gate/mcp',
      '/%67ate/mcp',
      documents,
      `${documents}/`,
      `${documents}/mcp`,
      `${documents}/gate2`,
      `${documents}//gate`,
      '/.well-known/gate',
      '/.well-known',
      'https://example.com/gate/mcp',
    ])
      assert.equal(site.localPath(path), undefined, path)
  })

  it('knows no other spelling of a public host, and every one of loopback', () => {
    assert.deepEqual(siteOf('https://mcp.example.com').origins, ['https://mcp.example.com'])
    assert.deepEqual(siteOf('http://localhost:3002/gate').origins, [
      'http://localhost:3002',
      'http://127.0.0.1:3002',
      'http://[::1]:3002',
    ])
  })
})
