import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { request } from 'undici'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Installation, startInstallation } from '../support/installation.ts'

const upstreams = [
  { name: 'files', path: '/mcp', url: 'http://127.0.0.1:9/mcp' },
  { name: 'git', path: '/git/mcp', url: 'http://127.0.0.1:9/mcp', baselineScopes: ['mcp:tools'] },
]

let one: Installation
let two: Installation
before(async () => {
  one = await startInstallation()
  two = await startInstallation({ config: { upstreams } })
})
after(() => Promise.all([one.close(), two.close()]))

const read = async (url: string): Promise<Record<string, unknown>> => {
  const response = await fetch(url)
  assert.equal(response.status, 200, url)
  if (!url.endsWith('/jwks')) assert.equal(response.headers.get('content-type'), 'application/json')
  return (await response.json()) as Record<string, unknown>
}

describe('protected resource metadata (D1 to D8, W4, N1)', () => {
  it('stands at the path of the resource and at the root, each with its own resource', async () => {
    const document = {
      authorization_servers: [one.url],
      scopes_supported: ['mcp:tools:read', 'mcp:resources:list', 'mcp:prompts:list'],
      bearer_methods_supported: ['header'],
      resource_name: 'test',
      dpop_signing_alg_values_supported: ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'],
    }
    const prefix = `${one.url}/.well-known/oauth-protected-resource`
    assert.deepEqual(await read(`${prefix}/mcp`), { resource: `${one.url}/mcp`, ...document })
    assert.deepEqual(await read(`${one.url}/mcp/.well-known/oauth-protected-resource`), {
      resource: `${one.url}/mcp`,
      ...document,
    })
    assert.deepEqual(await read(prefix), { resource: one.url, ...document })
  })

  it('speaks of the host that the client calls, where that is another name of loopback', async () => {
    const { port } = new URL(one.url)
    const document = await read(`http://localhost:${port}/.well-known/oauth-protected-resource/mcp`)
    assert.equal(document['resource'], `http://localhost:${port}/mcp`)
    assert.deepEqual(document['authorization_servers'], [one.url], 'the issuer has one spelling')
  })

  it('speaks of the host that the client calls also where a default port is named', async () => {
    const resourcesAt = async (config: ConfigInput, hosts: readonly string[]): Promise<unknown> => {
      const installation = await startInstallation({ config })
      const url = `${installation.gatewayUrl}/.well-known/oauth-protected-resource/mcp`
      const found: unknown[] = []
      for (const host of hosts) {
        const { statusCode, body } = await request(url, { headers: { host } })
        const document = (await body.json()) as { resource?: unknown }
        found.push(statusCode === 200 ? document.resource : statusCode)
      }
      await installation.close()
      return found
    }
    const publicUrl = 'https://mcp.example.com'
    assert.deepEqual(
      await resourcesAt({ mode: 'production', publicUrl, login: { users: 'none' } }, [
        'mcp.example.com',
        'mcp.example.com:443',
        'mcp.example.com:80',
      ]),
      [`${publicUrl}/mcp`, `${publicUrl}/mcp`, 403],
    )
    assert.deepEqual(await resourcesAt({ publicUrl: 'http://127.0.0.1' }, ['127.0.0.1:80', 'localhost:80']), [
      'http://127.0.0.1/mcp',
      'http://localhost/mcp',
    ])
  })

  it('differs for each server, and the root means the one at /mcp', async () => {
    const prefix = `${two.url}/.well-known/oauth-protected-resource`
    assert.equal((await read(`${prefix}/git/mcp`))['resource'], `${two.url}/git/mcp`)
    assert.deepEqual((await read(`${prefix}/git/mcp`))['scopes_supported'], ['mcp:tools'])
    assert.equal((await read(prefix))['resource'], two.url)
  })

  it('is JSON 404 elsewhere, and 405 for other verbs (A63)', async () => {
    const missing = await fetch(`${one.url}/.well-known/oauth-protected-resource/other`)
    assert.equal(missing.status, 404)
    assert.equal(missing.headers.get('content-type'), 'application/json')
    const posted = await fetch(`${one.url}/.well-known/oauth-protected-resource/mcp`, { method: 'POST' })
    assert.equal(posted.status, 405)
    assert.equal(posted.headers.get('allow'), 'GET, HEAD, OPTIONS')
  })

  it('describes one spelling of a resource: at another one, a client is told where its server is', async () => {
    const host = `localhost:${new URL(two.url).port}`
    for (const [method, url, told] of [
      ['POST', `${two.url}/git/mcp/`, `${two.url}/git/mcp`],
      ['GET', `${two.url}/mcp/?x=1`, `${two.url}/mcp`],
      ['POST', `http://${host}/mcp/`, `http://${host}/mcp`],
    ] as const) {
      const answer = await fetch(url, { method })
      const { error } = (await answer.json()) as { error: { message: string; data: { code: string } } }
      assert.deepEqual([answer.status, error.data.code], [404, 'not_found'])
      assert.match(error.message, new RegExp(`: the MCP server is at ${told}, without a slash at the end$`))
    }
    for (const path of ['/other/', '/mcp//', '/.well-known/oauth-protected-resource/mcp/']) {
      const answer = await fetch(two.url + path, { method: 'POST' })
      assert.equal(answer.status, 404)
      assert.doesNotMatch(await answer.text(), /without a slash/, path)
    }
  })

  it('tells a cache that it differs for the page of another origin, also where no page asks', async () => {
    for (const path of [
      '/.well-known/oauth-protected-resource/mcp',
      '/.well-known/oauth-authorization-server',
      '/jwks',
    ])
      assert.equal((await fetch(`${one.url}${path}`)).headers.get('vary'), 'Origin', path)
  })

  it('has a head for those who ask for no more', async () => {
    for (const path of ['/.well-known/oauth-protected-resource/mcp', '/gateway/jwks']) {
      const [whole, head] = await Promise.all(
        ['GET', 'HEAD'].map((method) => fetch(one.url + path, { method })),
      )
      assert.equal(head?.status, 200, path)
      assert.equal(head?.headers.get('content-length'), whole?.headers.get('content-length'))
      assert.equal(await head?.text(), '')
    }
  })

  it('names no offline_access (D8)', async () => {
    assert.doesNotMatch(
      JSON.stringify(await read(`${one.url}/.well-known/oauth-protected-resource/mcp`)),
      /offline_access/,
    )
  })
})

describe('the keys of identity tokens', () => {
  it('are public, and other keys than those of access tokens', async () => {
    const identity = (await read(`${one.url}/gateway/jwks`))['keys'] as Record<string, unknown>[]
    const access = (await read(`${one.url}/jwks`))['keys'] as Record<string, unknown>[]
    assert.equal(identity.length, 1)
    for (const key of [...identity, ...access]) assert.equal(key['d'], undefined)
    assert.notEqual(identity[0]?.['kid'], access[0]?.['kid'])
  })
})
