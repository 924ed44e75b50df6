import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startDemoServer } from '../../demo/server.ts'
import { portcullis } from '../support/command.ts'
import { openDashboard } from '../support/dashboard-visitor.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { memoryProvider } from '../support/sdk-provider.ts'
import { connectSignedIn } from '../support/sdk-sign-in.ts'
import { startTenants, type TestTenants } from '../support/tenants.ts'

describe('the tenants of an installation', () => {
  let tenants: TestTenants
  before(async () => {
    tenants = await startTenants({
      startServer: (url) =>
        startDemoServer({
          host: '127.0.0.1',
          port: 0,
          gateway: { issuer: `${url}/gateway`, jwksUrl: `${url}/gateway/jwks` },
        }),
    })
  })
  after(() => tenants.close())

  const read = async (url: string): Promise<Record<string, unknown>> => {
    const response = await fetch(url)
    assert.equal(response.status, 200, url)
    return (await response.json()) as Record<string, unknown>
  }

  it('have documents where clients look for them: at the root of the host, with the path inserted (D3, AM4)', async () => {
    const { installation, acme, globex } = tenants
    for (const { url, mcpUrl } of [acme, globex]) {
      const { origin, pathname } = new URL(url)
      const base = pathname === '/' ? '' : pathname
      const challenge = await fetch(mcpUrl, { method: 'POST' })
      assert.equal(challenge.status, 401)
      const metadata = `${origin}/.well-known/oauth-protected-resource${base}/mcp`
      assert.match(
        challenge.headers.get('www-authenticate') ?? '',
        new RegExp(`resource_metadata="${metadata}"`),
      )
      for (const found of [metadata, `${mcpUrl}/.well-known/oauth-protected-resource`]) {
        const { resource, authorization_servers: servers } = await read(found)
        assert.deepEqual([resource, servers], [mcpUrl, [url]])
      }
      const document = await read(`${origin}/.well-known/oauth-authorization-server${base}`)
      assert.equal(document['issuer'], url)
      for (const path of [
        `${origin}/.well-known/openid-configuration${base}`,
        `${url}/.well-known/openid-configuration`,
        `${origin}/.well-known/oauth-authorization-server${base}/mcp`,
      ])
        assert.deepEqual(await read(path), document, path)
      for (const [name, value] of Object.entries(document))
        if (name.endsWith('_endpoint') || name === 'jwks_uri')
          assert.ok(String(value).startsWith(`${url}/`), name)
    }
    const own = await read(`${installation.url}/.well-known/oauth-authorization-server`)
    assert.equal(own['issuer'], installation.url)
  })

  it('are discovered, registered at, signed in to and called by the SDK', async () => {
    for (const { mcpUrl } of [tenants.acme, tenants.globex]) {
      const provider = memoryProvider()
      const connected = await connectSignedIn(mcpUrl, provider)
      assert.ok((await connected.listTools()).tools.length > 0)
      await connected.close()
    }
  })

  it('have dashboards that the command line finds where the process listens, which no setting says', async () => {
    const { installation } = tenants
    const upstreams = [{ name: 'spy', path: '/mcp', url: 'http://127.0.0.1:9/mcp' }]
    const file = join(installation.data, 'any-port.yaml')
    const { data, url: publicUrl, adminUrl } = installation
    const named = [{ name: 'acme', upstreams }]
    await writeFile(file, JSON.stringify({ data, publicUrl, listen: { admin: 0 }, tenants: named }))
    for (const [flags, path] of [
      [[], ''],
      [['--tenant', 'acme'], '/t/acme'],
    ] as const) {
      const { stdout, stderr } = await portcullis(['dashboard', '-c', file, ...flags])
      assert.ok(stdout.startsWith(`${adminUrl}${path}/sign-in/`), stderr)
      assert.equal((await (await openDashboard(stdout.trim())).get(path || '/')).status, 200)
    }
  })

  it('take tokens that the command line prints for each, by path and by host', async () => {
    const { installation, acme, globex } = tenants
    const upstreams = [{ name: 'spy', path: '/mcp', url: 'http://127.0.0.1:9/mcp' }]
    const file = join(installation.data, 'portcullis.yaml')
    const { data, url: publicUrl } = installation
    const named = [
      { name: 'acme', upstreams },
      { name: 'globex', host: 'globex.localhost', upstreams },
    ]
    await writeFile(file, JSON.stringify({ data, publicUrl, tenants: named }))
    const hello = legacyRequest('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    })
    for (const [mine, theirs] of [
      [acme, globex],
      [globex, acme],
    ] as const) {
      const { stdout, stderr } = await portcullis(['token', '-c', file, '--tenant', mine.name])
      const token = stdout.trim()
      assert.equal((await mine.post(hello, { token })).status, 200, stderr)
      assert.equal((await theirs.post(hello, { token })).status, 401)
    }
  })

  it('are unknown under any other name, spelling or host', async () => {
    const { installation, globex } = tenants
    const base = installation.url
    for (const url of [
      `${base}/t/nobody/mcp`,
      `${base}/t/globex/mcp`,
      `${base}/t/ACME/mcp`,
      `${base}/t/%61cme/mcp`,
      `${base}/t//acme/mcp`,
      `${base}/t/acme2/mcp`,
      `${base}/t/`,
      `${globex.url}/t/acme/mcp`,
      `${base}/.well-known/oauth-authorization-server/t/nobody`,
      `${base}/.well-known/oauth-protected-resource/t/globex/mcp`,
    ])
      assert.equal((await fetch(url, { method: 'GET' })).status, 404, url)
  })

  it('are reached by no host but their own and that of the installation', async () => {
    const { acme } = tenants
    const { port } = new URL(acme.url)
    for (const host of [`nobody.localhost:${port}`, 'globex.localhost', `globex.localhost.:${port}`])
      for (const path of ['/mcp', '/t/acme/mcp', '/.well-known/oauth-authorization-server/t/acme'])
        assert.match(
          await acme.raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
          /^HTTP\/1\.1 403 /,
          `${host} ${path}`,
        )
    const spelled = `GET /mcp HTTP/1.1\r\nHost: Globex.LOCALHOST:${port}\r\nConnection: close\r\n\r\n`
    assert.match(await acme.raw(spelled), /resource_metadata="http:\/\/globex/, 'a host has no case')
    assert.match(
      await acme.raw(
        `GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nHost: globex.localhost:${port}\r\nConnection: close\r\n\r\n`,
      ),
      /^HTTP\/1\.1 40[03] /,
      'two hosts at once',
    )
  })

  it('need no request of their own to tell whether all is ready', async () => {
    assert.equal((await fetch(`${tenants.installation.adminUrl}/readyz`)).status, 200)
  })
})
