import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refusalWhereRedirected } from '../../src/http/redirect.ts'

describe('a redirect of an MCP server', () => {
  for (const [location, place] of [
    ['http://127.0.0.1:8000/mcp/', ', a redirect to http://127.0.0.1:8000/mcp/'],
    ['/mcp/', ', a redirect to /mcp/'],
    ['mcp/', ', a redirect to /mcp/'],
    ['https://ada:secret@login.example/in?state=secret#secret', ', a redirect to https://login.example/in'],
    ['/s/Zm9vYmFyYmF6cXV4MTIzNDU/mcp/', ', a redirect to /s/…/mcp/'],
    ['/a\tb\u001B[2J', ', a redirect to /ab%1B[2J'],
    ['http://[', ''],
    [undefined, ''],
  ] as const)
    it(`to ${JSON.stringify(location)} is refused, and the log says where to, without secrets`, () => {
      const refusal = refusalWhereRedirected(307, location === undefined ? {} : { location })
      assert.equal(refusal?.code, 'upstream_invalid')
      assert.equal(refusal.reason, `the server answered 307${place}`)
    })

  it('is short in the log, and is nothing else', () => {
    const refusal = refusalWhereRedirected(302, { location: `/${'x'.repeat(1000)}` })
    assert.ok((refusal?.reason?.length ?? 0) < 300)
    for (const status of [200, 204, 299, 400, 404])
      assert.equal(refusalWhereRedirected(status, { location: '/' }), undefined)
  })
})
