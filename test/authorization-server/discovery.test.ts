import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { request } from 'undici'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'

let installation: Installation
before(async () => {
  installation = await startInstallation()
})
after(() => installation.close())

const read = async (path: string): Promise<Record<string, unknown>> => {
  const response = await fetch(installation.url + path)
  assert.equal(response.status, 200, path)
  assert.match(response.headers.get('content-type') ?? '', /^application\/(?:jwk-set\+)?json/)
  return (await response.json()) as Record<string, unknown>
}

const root = '/.well-known/oauth-authorization-server'

describe('authorization server metadata (AM1 to AM9, W5)', () => {
  it('is the same in every form in which clients look for it (AM4, N2)', async () => {
    const document = await read(root)
    for (const path of [
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/mcp',
      '/.well-known/openid-configuration/mcp',
      '/mcp/.well-known/oauth-authorization-server',
      '/mcp/.well-known/openid-configuration',
    ]) {
      assert.deepEqual(await read(path), document, path)
    }
  })

  it('names this origin and no other', async () => {
    const document = await read(root)
    assert.equal(document['issuer'], installation.url)
    for (const [name, value] of Object.entries(document)) {
      if (name.endsWith('_endpoint') || name === 'jwks_uri')
        assert.ok(String(value).startsWith(`${installation.url}/`), name)
    }
    assert.equal(
      document['authorization_endpoint'],
      `${installation.url}/authorize`,
      'where old clients look anyway (AM1, N3)',
    )
    assert.equal(document['token_endpoint'], `${installation.url}/token`)
    assert.equal(document['registration_endpoint'], `${installation.url}/register`)
  })

  it('names the endpoints that there are, and no way to authenticate that is none', async () => {
    const document = await read(root)
    const endpoints = Object.keys(document).filter((name) => name.endsWith('_endpoint'))
    assert.deepEqual(endpoints.toSorted(), [
      'authorization_endpoint',
      'introspection_endpoint',
      'pushed_authorization_request_endpoint',
      'registration_endpoint',
      'revocation_endpoint',
      'token_endpoint',
    ])
    for (const endpoint of ['token', 'revocation', 'introspection']) {
      const methods = document[`${endpoint}_endpoint_auth_methods_supported`] as string[]
      const known = ['client_secret_basic', 'client_secret_post', 'none', 'private_key_jwt']
      assert.deepEqual(methods.toSorted(), known, endpoint)
      const algorithms = document[`${endpoint}_endpoint_auth_signing_alg_values_supported`] as string[]
      assert.deepEqual(
        algorithms.filter((algorithm) => /^(?:HS|none)/.test(algorithm)),
        [],
        endpoint,
      )
    }
  })

  it('says what clients insist on', async () => {
    const document = await read(root)
    assert.deepEqual(document['code_challenge_methods_supported'], ['S256'])
    assert.deepEqual(document['response_types_supported'], ['code'])
    assert.deepEqual(document['response_modes_supported'], ['query'])
    assert.equal(document['authorization_response_iss_parameter_supported'], true)
    assert.deepEqual(document['grant_types_supported'], [
      'authorization_code',
      'refresh_token',
      'client_credentials',
    ])
    for (const method of ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']) {
      assert.ok((document['token_endpoint_auth_methods_supported'] as string[]).includes(method))
    }
    assert.ok(
      (document['scopes_supported'] as string[]).includes('offline_access'),
      'some clients refresh only then (N22)',
    )
  })

  it('announces the claims that an ID token has', async () => {
    const document = await read(root)
    const client = new OAuthClient(installation.url)
    const { id_token: token = '' } = await client.signIn({ scope: 'openid', extra: { max_age: '60' } })
    const claims = Object.keys(decodeJwt(token))
    for (const claim of document['claims_supported'] as string[]) assert.ok(claims.includes(claim), claim)
  })

  it('is JSON 404 where there is nothing, never a page (N2, A63, AM12)', async () => {
    for (const path of [
      '/.well-known/oauth-authorization-server/other',
      '/mcp/.well-known/oauth-authorization-server/mcp',
      '/.well-known/whatever',
      '/.well-known/mcp',
      '/.well-known/mcp-authorization-server',
      '/nothing',
      '/mcp/x',
    ]) {
      // A browser sees a page, but not where programs look for documents.
      const accept = path.includes('/.well-known/') ? 'text/html,*/*' : '*/*'
      const response = await fetch(installation.url + path, { headers: { accept } })
      assert.equal(response.status, 404, path)
      assert.equal(response.headers.get('content-type'), 'application/json', path)
      await response.json()
    }
    const posted = await fetch(installation.url + root, { method: 'POST' })
    assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD'])
  })

  it('has a head for those who ask for no more, on either port (A63)', async () => {
    const { url, authorizationServerUrl } = installation
    const headers = { host: new URL(url).host }
    for (const origin of [url, authorizationServerUrl]) {
      for (const path of [root, `${root}/mcp`, '/mcp/.well-known/openid-configuration', '/jwks']) {
        const whole = await request(origin + path, { headers })
        const head = await request(origin + path, { method: 'HEAD', headers })
        assert.deepEqual([whole.statusCode, head.statusCode], [200, 200], path)
        for (const name of ['content-length', 'content-type', 'cache-control'])
          assert.equal(head.headers[name], whole.headers[name], `${name} of ${path}`)
        assert.equal((await whole.body.text()).length, Number(head.headers['content-length']), path)
        assert.equal(await head.body.text(), '', path)
      }
    }
  })

  it('leads from the server to its issuer by every form, GET alone, JSON alone, also in a browser (A63)', async () => {
    const resourceForms = [
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource/mcp',
      '/mcp/.well-known/oauth-protected-resource',
    ]
    const serverForms = [
      root,
      `${root}/mcp`,
      '/mcp/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration/mcp',
      '/mcp/.well-known/openid-configuration',
    ]
    for (const path of resourceForms) {
      const { authorization_servers: issuers } = await read(path)
      assert.deepEqual(issuers, [installation.url], path)
    }
    for (const path of serverForms) assert.equal((await read(path))['issuer'], installation.url, path)
    for (const path of [...resourceForms, ...serverForms, '/jwks']) {
      const browser = await fetch(installation.url + path, { headers: { accept: 'text/html' } })
      assert.equal(browser.status, 200, path)
      assert.match(browser.headers.get('content-type') ?? '', /json/, path)
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const { status, headers } = await fetch(installation.url + path, { method })
        assert.equal(status, 405, `${method} ${path}`)
        assert.match(headers.get('allow') ?? '', /GET/)
        assert.equal(headers.get('content-type'), 'application/json', `${method} ${path}`)
      }
    }
    for (const [path, type] of [
      ['/.well-known/nothing', 'application/json'],
      ['/.well-known/oauth-protected-resource/other', 'application/json'],
      ['/other/.well-known/oauth-authorization-server', 'application/json'],
      ['/any/path', 'text/html; charset=utf-8'],
    ] as const) {
      const { status, headers } = await fetch(installation.url + path, { headers: { accept: 'text/html' } })
      assert.equal(status, 404, `${path}: no page for everything`)
      assert.equal(headers.get('content-type'), type, path)
    }
  })

  it('publishes public keys alone (A62)', async () => {
    const { keys } = (await read('/jwks')) as { keys: Record<string, unknown>[] }
    assert.equal(keys.length, 1)
    assert.deepEqual(Object.keys(keys[0] ?? {}).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    assert.equal(keys[0]?.['alg'], 'ES256')
  })

  it('has the same keys after a restart (A62)', async () => {
    const earlier = await read('/jwks')
    await installation.restart()
    assert.deepEqual(await read('/jwks'), earlier)
  })
})
