import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { freePort, type Installation, startInstallation } from '../support/installation.ts'

interface Answer {
  readonly status: number | undefined
  readonly text: string
}

describe('a request target in absolute form', () => {
  let gate: Installation
  before(async () => {
    gate = await startInstallation()
  })
  after(() => gate.close())

  /** Sends a target as it stands, which `fetch` does not. */
  const get = (url: string, target: string, host?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(url)
      const headers = host === undefined ? {} : { host }
      const sent = request({ hostname, port, path: target, headers, agent: false }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
        })
        response.on('end', () => resolve({ status: response.statusCode, text }))
      })
      sent.on('error', reject).end()
    })
  const resourceMetadata = '/.well-known/oauth-protected-resource/mcp'
  const serverMetadata = '/.well-known/oauth-authorization-server'

  it('means the path in it, at the gateway and at the authorization server', async () => {
    for (const [at, path] of [
      [gate.url, resourceMetadata],
      [gate.url, `${serverMetadata}?x=http://a/b`],
      [gate.authorizationServerUrl, serverMetadata],
    ] as const) {
      const plain = await get(at, path, new URL(gate.url).host)
      assert.equal(plain.status, 200, plain.text)
      assert.deepEqual(await get(at, gate.url.replace('http', 'HTTP') + path), plain)
    }
    assert.deepEqual(await get(gate.url, gate.url), await get(gate.url, '/'))
    assert.equal((await get(gate.url, `${gate.url}?x`)).status, (await get(gate.url, '/?x')).status)
  })

  it('means the host in it, and no other (O1)', async () => {
    const { host } = new URL(gate.url)
    assert.equal((await get(gate.url, `${gate.url}${resourceMetadata}`, 'evil.example')).status, 200)
    for (const authority of ['evil.example', `user:pass-word@${host}`, '']) {
      const refused = await get(gate.url, `http://${authority}${resourceMetadata}`, host)
      assert.equal(refused.status, 403, authority)
      assert.match(refused.text, /host_not_allowed/)
    }
    assert.doesNotMatch(gate.log(), /pass-word/)
  })

  it('leads to the tenant whose host is in it, whatever Host says', async (t) => {
    const gateway = await freePort()
    const host = `acme.localhost:${gateway}`
    const upstreams = [{ name: 'test', url: 'http://127.0.0.1:9/mcp' }]
    const shared = await startInstallation({
      config: { listen: { gateway }, tenants: [{ name: 'acme', host: 'acme.localhost', upstreams }] },
    })
    t.after(() => shared.close())
    for (const [asked, named] of [
      [host, new URL(shared.url).host],
      [new URL(shared.url).host, host],
    ] as const) {
      const { text } = await get(shared.gatewayUrl, `http://${asked}${serverMetadata}`, named)
      assert.equal((JSON.parse(text) as { issuer: string }).issuer, `http://${asked}`)
    }
  })

  it('of another scheme is no address of ours', async () => {
    for (const target of ['ftp://127.0.0.1/mcp', '*'])
      assert.equal((await get(gate.url, target)).status, 404, target)
  })
})
