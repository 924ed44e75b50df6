import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type BrokenServer, startBrokenServer } from '../fixtures/broken-server.ts'
import type { Fault } from '../fixtures/faults.ts'
import { examineServer, login } from '../support/examination.ts'

async function serverWith(test: TestContext, ...faults: Fault[]): Promise<BrokenServer> {
  const server = await startBrokenServer(...faults)
  test.after(() => server.close())
  return server
}

describe('doctor finds its way as the client would:', () => {
  it('to metadata in the OpenID form alone (AM3)', async (test) => {
    const { origin, mcpUrl } = await serverWith(test, 'openid-only')
    const { of, withMark } = await examineServer(mcpUrl)
    assert.equal(
      of('server-found').detail,
      `${origin}/.well-known/oauth-authorization-server: 404 not_found → ${origin}/.well-known/openid-configuration`,
    )
    assert.deepEqual(withMark('failed'), [])
  })

  it('to the metadata of an issuer with a path, in three forms (AM4)', async (test) => {
    const { origin, mcpUrl } = await serverWith(test, 'issuer-with-path')
    const { of, withMark } = await examineServer(mcpUrl, { credentials: login })
    const tried = [...(of('server-found').detail ?? '').matchAll(/http\S+?(?=: 404| →|$)/g)].map(
      ([url]) => url,
    )
    assert.deepEqual(tried, [
      `${origin}/.well-known/oauth-authorization-server/t/one`,
      `${origin}/.well-known/openid-configuration/t/one`,
      `${origin}/t/one/.well-known/openid-configuration`,
    ])
    assert.deepEqual(withMark('failed'), [])
  })

  it('no further than a fault of the server (AM4)', async (test) => {
    const { mcpUrl } = await serverWith(test, 'metadata-500', 'openid-only')
    const { of } = await examineServer(mcpUrl)
    assert.match(of('server-found').cause ?? '', /500 server_error: clients stop here/)
    assert.equal(of('server-issuer').detail, 'there is no usable metadata of an authorization server')
    assert.equal(of('metadata-json').mark, 'failed')
  })

  it('to the origin, where there is no resource metadata at all (D3, AM1)', async (test) => {
    const { origin, mcpUrl } = await serverWith(test, 'no-resource-metadata')
    const { of, withMark } = await examineServer(mcpUrl)
    assert.deepEqual(withMark('failed'), ['metadata-challenge', 'metadata-path'])
    assert.equal(of('server-issuer').detail, origin)
    assert.equal(of('metadata-resource').mark, 'skipped')
  })

  it('with POST where GET is not served (as mcp-remote does)', async (test) => {
    const { mcpUrl } = await serverWith(test, 'get-405')
    const { withMark } = await examineServer(mcpUrl, { as: 'mcp-remote', credentials: login })
    assert.deepEqual(withMark('failed'), [])
  })

  it('not along a redirect of the MCP server (V5)', async (test) => {
    const { mcpUrl } = await serverWith(test, 'redirecting')
    const { of } = await examineServer(mcpUrl)
    assert.match(of('challenge-status').cause ?? '', /303, a redirect to \S+\/mcp\/:/)
    assert.match(of('challenge-status').fix ?? '', /the URL that the redirect leads to/)
  })

  it('with its metadata document where the server takes such (AM8)', async (test) => {
    const { mcpUrl } = await serverWith(test, 'takes-documents')
    const { of, withMark } = await examineServer(mcpUrl, { as: 'vscode' })
    assert.match(of('registration-way').detail ?? '', /https:\/\/vscode\.dev\/oauth\/client-metadata\.json/)
    assert.equal(of('login-page').mark, 'passed')
    assert.equal(of('register').mark, 'skipped')
    assert.deepEqual(withMark('failed'), [])
    const inspector = await examineServer(mcpUrl, { as: 'inspector' })
    assert.equal(inspector.of('registration-way').detail, 'dynamic registration', 'it has no document')
  })

  it('with its secret in the form where the server takes it only there (N12)', async (test) => {
    const { mcpUrl } = await serverWith(test, 'secret-posted')
    for (const as of ['inspector', 'claude'] as const) {
      const { of, findings } = await examineServer(mcpUrl, { as, credentials: login })
      assert.equal(of('token-code').cause, undefined, as)
      assert.equal(of('refresh').mark, 'passed')
      assert.ok(!JSON.stringify(findings).includes('a-secret-that-nobody-asked-for'))
    }
  })

  it('with the scopes that it registered, also where the answer goes to its website (R12)', async (test) => {
    const { mcpUrl } = await serverWith(test, 'scopes-as-registered')
    const { of } = await examineServer(mcpUrl, { as: 'claude', credentials: login })
    assert.equal(of('login-answer').cause, undefined)
    assert.equal(of('call-tools').mark, 'passed')
  })

  it('with a word on what to do where the server cannot fetch the document (AM8)', async (test) => {
    const { mcpUrl } = await serverWith(test, 'cannot-fetch-documents')
    const { of } = await examineServer(mcpUrl, { as: 'claude' })
    assert.equal(of('login-page').mark, 'failed')
    assert.match(of('login-page').fix ?? '', /Fetch the metadata document/)
    const registered = await examineServer(mcpUrl, { as: 'claude', ways: ['dynamic'] })
    assert.equal(registered.of('login-page').mark, 'passed')
  })
})

describe('doctor warns', () => {
  it('of registrations that come back changed, or with a secret (N12)', async (test) => {
    const { of, findings } = await examineServer((await serverWith(test, 'secret-unasked')).mcpUrl)
    assert.match(of('register-answer').cause ?? '', /became "client_secret_post"; a secret was issued/)
    assert.ok(!JSON.stringify(findings).includes('a-secret-that-nobody-asked-for'))
  })

  it('of a registration that is answered with 200 (R12)', async (test) => {
    const { of } = await examineServer((await serverWith(test, 'registers-with-200')).mcpUrl)
    assert.match(of('register').cause ?? '', /200 instead of 201/)
  })

  it('of `offline_access` among the scopes of the MCP server (D8)', async (test) => {
    const { of } = await examineServer((await serverWith(test, 'offline-access-demanded')).mcpUrl)
    assert.equal(of('metadata-offline').mark, 'warning')
  })

  it('of missing endpoints at the origin, as claude.ai alone (N3)', async (test) => {
    const { mcpUrl } = await serverWith(test, 'register-404')
    assert.match(
      (await examineServer(mcpUrl, { as: 'claude' })).of('origin-endpoints').cause ?? '',
      /\/register answers 404/,
    )
    const { findings } = await examineServer(mcpUrl, { as: 'cursor' })
    assert.ok(!findings.some(({ check }) => check === 'origin-endpoints'))
  })
})
