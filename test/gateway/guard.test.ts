import assert from 'node:assert/strict'
import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'

let gate: GatedSpy
let token: string
before(async () => {
  gate = await startGatedSpy()
  token = await gate.tokenFor('mcp:*')
})
after(() => gate.close())

const raw = (line: string, headers: Record<string, string>): Promise<string> =>
  gate.raw(
    `${line} HTTP/1.1\r\n${Object.entries({ Connection: 'close', ...headers })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`,
  )
const host = (): string => new URL(gate.installation.url).host
const port = (): string => new URL(gate.installation.url).port

const places = [
  'POST /mcp',
  'GET /mcp',
  'OPTIONS /mcp',
  'GET /.well-known/oauth-protected-resource/mcp',
  'GET /.well-known/oauth-authorization-server',
  'POST /register',
  'POST /token',
  'GET /authorize',
  'GET /',
]

describe('Host and Origin (O1, A33)', () => {
  for (const place of places) {
    it(`${place} is 403 for a foreign host or origin`, async () => {
      for (const name of [
        'evil.example',
        `evil.example:${port()}`,
        '127.0.0.1',
        `127.0.0.1.evil.example:${port()}`,
        '',
      ]) {
        assert.match(
          await raw(place, { Host: name, Authorization: `Bearer ${token}` }),
          /^HTTP\/1\.1 40[03] /,
          name,
        )
      }
      for (const origin of [
        'null',
        'http://evil.example',
        'http://localhost.evil.example',
        `http://${host()}.evil.example`,
        'http://localhost@evil.example',
        'file://',
        'http://10.0.0.1',
      ]) {
        assert.match(await raw(place, { Host: host(), Origin: origin }), /^HTTP\/1\.1 403 /, origin)
      }
    })
  }

  it('lets loopback in by every spelling, and any loopback origin while developing', async () => {
    for (const name of [
      `localhost:${port()}`,
      `127.0.0.1:${port()}`,
      `[::1]:${port()}`,
      `LOCALHOST:${port()}`,
    ]) {
      assert.match(
        await raw('GET /.well-known/oauth-protected-resource/mcp', { Host: name }),
        /^HTTP\/1\.1 200 /,
        name,
      )
    }
    for (const origin of [
      'http://localhost:6274',
      'http://127.0.0.1:1',
      'https://localhost',
      'http://[::1]:9',
    ]) {
      assert.match(
        await raw('GET /.well-known/oauth-protected-resource/mcp', { Host: host(), Origin: origin }),
        /^HTTP\/1\.1 200 /,
      )
    }
  })

  it('is 400 for two hosts', async () => {
    const answer = await gate.raw(
      `GET /mcp HTTP/1.1\r\nHost: ${host()}\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
    )
    assert.match(answer, /^HTTP\/1\.1 40[03] /)
  })
})

describe('CORS (N19, A34, P10)', () => {
  const preflight = (
    path: string,
    method = 'POST',
    headers = 'authorization,content-type',
  ): Promise<Response> =>
    fetch(gate.installation.url + path, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://localhost:6374',
        'access-control-request-method': method,
        'access-control-request-headers': headers,
      },
    })

  it('answers preflights before it asks for a token', async () => {
    for (const path of [
      '/mcp',
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource/mcp',
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
      '/register',
      '/token',
      '/revoke',
      '/jwks',
    ]) {
      const response = await preflight(path, path === '/mcp' || path.length < 12 ? 'POST' : 'GET')
      assert.equal(response.status, 204, path)
      assert.equal(response.headers.get('access-control-allow-origin'), 'http://localhost:6374', path)
      assert.equal(response.headers.get('access-control-allow-credentials'), null)
    }
  })

  it('lets a page read why a path with a slash at the end is not the one of the server', async () => {
    assert.equal((await preflight('/mcp/')).status, 204)
    const headers = { origin: 'http://localhost:6374' }
    const answer = await fetch(`${gate.installation.url}/mcp/`, { method: 'POST', headers })
    assert.equal(answer.headers.get('access-control-allow-origin'), 'http://localhost:6374')
    assert.match(await answer.text(), /without a slash at the end/)
  })

  it('allows the headers of every era, and the parameters that tools mirror', async () => {
    const response = await preflight(
      '/mcp',
      'POST',
      "mcp-param-region, mcp-param-user_id, mcp-param-a.b!#$%&'*+^`|~, mcp-method, evil: x",
    )
    const allowed = (response.headers.get('access-control-allow-headers') ?? '').toLowerCase()
    for (const name of [
      'authorization',
      'content-type',
      'accept',
      'mcp-protocol-version',
      'mcp-method',
      'mcp-name',
      'mcp-param-region',
      'mcp-param-user_id',
      "mcp-param-a.b!#$%&'*+^`|~",
      'mcp-session-id',
      'last-event-id',
    ]) {
      assert.ok(allowed.split(', ').includes(name), name)
    }
    assert.doesNotMatch(allowed, /evil/)
    for (const method of ['GET', 'POST', 'DELETE']) {
      assert.match(response.headers.get('access-control-allow-methods') ?? '', new RegExp(method))
    }
  })

  it('lets pages read the challenge and the answers', async () => {
    const headers = { origin: 'http://localhost:6374' }
    const challenged = await gate.post(legacyRequest('ping'), { headers })
    assert.equal(challenged.headers.get('access-control-allow-origin'), 'http://localhost:6374')
    assert.match(
      challenged.headers.get('access-control-expose-headers') ?? '',
      /WWW-Authenticate.*Mcp-Session-Id/,
    )
    assert.equal(challenged.headers.get('vary'), 'Origin')
    const refused = await fetch(`${gate.installation.url}/token`, {
      method: 'POST',
      headers,
      body: new URLSearchParams(),
    })
    assert.equal(refused.headers.get('access-control-allow-origin'), 'http://localhost:6374')
  })

  it('is absent where a person is', async () => {
    for (const path of ['/authorize?client_id=x', '/interaction/x', '/']) {
      const response = await fetch(gate.installation.url + path, {
        headers: { origin: 'http://localhost:6374' },
      })
      assert.equal(response.headers.get('access-control-allow-origin'), null, path)
    }
    assert.equal((await preflight('/authorize')).headers.get('access-control-allow-origin'), null)
  })
})

describe('tricks with requests (A35, A39)', () => {
  it('leads no spelling of a path past the gate', async () => {
    const earlier = gate.spy.seen.length
    for (const path of [
      '//mcp',
      '/mcp/',
      '/./mcp',
      '/x/../mcp',
      '/mcp/..;/',
      '/%6dcp',
      '/mcp%2f',
      '/MCP',
      '/mcp;a=b',
      '\\mcp',
      `http://${host()}/mcp`,
      'http://evil.example/mcp',
    ]) {
      const answer = await raw(`POST ${path}`, {
        Host: host(),
        'Content-Length': '0',
        Authorization: `Bearer ${token}`,
      })
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, path)
    }
    assert.equal(gate.spy.seen.length, earlier)
  })

  it('does not let a request be two', async () => {
    const smuggled = 'GET /admin HTTP/1.1\r\nHost: x\r\n\r\n'
    const head = `POST /mcp HTTP/1.1\r\nHost: ${host()}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`
    for (const framing of [
      'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n',
      'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
      'Content-Length: 0\r\nContent-Length: 5\r\n\r\n',
      'X: a\r\n folded\r\nContent-Length: 0\r\n\r\n',
    ]) {
      const answer = await gate.raw(head + framing + smuggled)
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, framing)
      assert.equal([...answer.matchAll(/^HTTP\/1\.1 /gm)].length, 1, framing)
    }
  })

  it('writes no URL that a client dictates', async () => {
    const headers = {
      Host: host(),
      Forwarded: 'host=evil.example;proto=https',
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Prefix': '/evil',
    }
    for (const place of [
      'GET /.well-known/oauth-protected-resource/mcp',
      'GET /.well-known/oauth-authorization-server',
      'POST /mcp',
      'GET /authorize?client_id=user-client&response_type=code&redirect_uri=http://127.0.0.1:1/callback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256',
    ]) {
      const answer = await raw(place, { ...headers, 'Content-Length': '0' })
      assert.doesNotMatch(answer, /evil/)
      assert.ok(answer.includes(gate.installation.url) || /^location: \/interaction/m.test(answer), answer)
    }
  })
})

describe('the listener of the authorization server itself (O1, A33, A39)', () => {
  const ask = (path: string, headers: Record<string, string>): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      get(new URL(path, gate.installation.authorizationServerUrl), { headers }, (response) => {
        const { statusCode: status = 0 } = response
        void text(response).then((body) => resolve({ status, text: body }))
      }).on('error', reject)
    })
  const paths = ['/.well-known/oauth-authorization-server', '/login', '/jwks', '/']

  it('refuses a foreign host or origin, also without the gateway before it', async () => {
    for (const path of paths) {
      assert.equal((await ask(path, { host: host() })).status, 200, path)
      assert.equal((await ask(path, { host: 'evil.example' })).status, 403, path)
      assert.equal((await ask(path, { host: host(), origin: 'http://evil.example' })).status, 403, path)
    }
  })

  it('writes no URL that whoever asks it dictates', async () => {
    const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
    for (const name of [host(), `localhost:${port()}`]) {
      const answer = await ask('/.well-known/oauth-authorization-server', { ...headers, host: name })
      const document = JSON.parse(answer.text) as Record<string, unknown>
      for (const [member, value] of Object.entries(document))
        if (member.endsWith('_endpoint') || member.endsWith('_uri'))
          assert.ok(String(value).startsWith(`${gate.installation.url}/`), `${member} ${String(value)}`)
    }
  })
})
