import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Examination, examineServer } from '../support/examination.ts'
import { startGatedSpy } from '../support/gated-spy.ts'
import { freePort } from '../support/installation.ts'
import { listen } from '../support/listen.ts'
import { startTlsProxy } from '../support/tls-proxy.ts'

const ours = /^(?:\/\.well-known\/[^/]+)?\/gate(?:\/|$)/

/** Examines a gate at `/gate` behind a proxy that hands on what `route` says. */
async function examineBehind(
  test: TestContext,
  route: (path: string) => string | undefined,
  headers: Readonly<Record<string, string>> = {},
  settings: ConfigInput = {},
): Promise<Examination> {
  const [port, gateway] = [await freePort(), await freePort()]
  const proxy = await startTlsProxy({
    port,
    headers,
    to: (path) => {
      const to = route(path)
      return to === undefined ? undefined : { port: gateway, path: to }
    },
  })
  const gate = await startGatedSpy({ publicUrl: `${proxy.url}/gate`, listen: { gateway }, ...settings })
  test.after(async () => {
    await gate.close()
    await proxy.close()
  })
  return examineServer(gate.installation.mcpUrl)
}

describe('doctor, at a gate under a path', () => {
  it('finds nothing where the proxy hands on the path and the documents about it (AM4, D3)', async (test) => {
    const examination = await examineBehind(test, (path) => (ours.test(path) ? path : undefined))
    assert.deepEqual(examination.withMark('failed'), [])
    assert.equal(examination.of('metadata-challenge').mark, 'passed')
    assert.match(
      examination.of('server-found').detail ?? '',
      /\/\.well-known\/oauth-authorization-server\/gate$/,
    )
  })

  it('names the setting of this gate that lets pages call, where it lets none (N19)', async (test) => {
    const production = { mode: 'production', login: { users: 'none' } } as const
    const examination = await examineBehind(
      test,
      (path) => (ours.test(path) ? path : undefined),
      {},
      production,
    )
    for (const check of ['cors-endpoint', 'cors-challenge', 'cors-metadata', 'cors-token'] as const) {
      const { mark, fix } = examination.of(check)
      assert.equal(mark, 'warning', check)
      assert.match(fix ?? '', /add its origin to `cors\.origins`/, check)
    }
  })

  it('says that the proxy keeps the documents to itself, and how to mend it (D3, N1)', async (test) => {
    const examination = await examineBehind(test, (path) => (/^\/gate(?:\/|$)/.test(path) ? path : undefined))
    for (const check of ['metadata-challenge', 'metadata-path'] as const) {
      const { mark, cause, fix } = examination.of(check)
      assert.equal(mark, 'failed')
      assert.match(
        cause ?? '',
        /\/\.well-known\/oauth-protected-resource\/gate\/mcp answers 404 with an HTML page/,
      )
      assert.match(
        fix ?? '',
        /The server has the document, at \S+\/gate\/mcp\/\.well-known\/oauth-protected-resource/,
      )
      assert.match(fix ?? '', /location ~ \^\(\/\\\.well-known\/\[\^\/\]\+\)\?\/gate\(\/\|\$\)/)
    }
  })

  it('says that the proxy strips the prefix, and how to mend it (N30)', async (test) => {
    const examination = await examineBehind(test, (path) =>
      ours.test(path) ? path.replace(/^\/gate/, '') : undefined,
    )
    const { mark, cause, fix } = examination.of('challenge-status')
    assert.equal(mark, 'failed')
    assert.match(cause ?? '', /not under the public URL: everything here begins with \/gate\//)
    assert.match(fix ?? '', /forward paths unchanged/)
  })

  it('says that the proxy sends a Host of its own, how to mend it, and nothing else', async (test) => {
    const examination = await examineBehind(test, (path) => path, { host: '127.0.0.1:3300' })
    const { cause, fix } = examination.of('challenge-status')
    assert.match(cause ?? '', /the answer was 403, .*This host name is not served here/)
    assert.match(fix ?? '', /forward `Host` .*`proxy_set_header Host \$http_host`.*`allowedHosts`/)
    assert.deepEqual(examination.withMark('failed'), ['challenge-status'])
    assert.deepEqual(examination.withMark('warning'), [])
  })
})

describe('doctor, at an address that is not quite that of the server,', () => {
  it('says so, and nothing else that would lead astray', async (test) => {
    const gate = await startGatedSpy()
    const site = createServer((_, res) =>
      res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>welcome'),
    )
    test.after(() => gate.close())
    const { url, mcpUrl } = gate.installation
    const page = `${(await listen(site, test)).url}/`
    for (const [address, as, says, mends] of [
      [
        `${url}/`,
        'inspector',
        `405 invalid_request (no MCP server is at this address: use ${mcpUrl}`,
        /path/,
      ],
      [`${url}/`, 'mcp-remote', '200 with an HTML page: this is a web page, not an MCP server', /path/],
      [page, 'inspector', '200 with an HTML page: this is a web page, not an MCP server', /path/],
      [`${url}/mpc`, 'inspector', '404 not_found', /Check the path of the URL: nothing is served there/],
    ] as const) {
      const examination = await examineServer(address, { as })
      const { cause = '', fix = '' } = examination.of('challenge-status')
      assert.ok(cause.includes(says), cause)
      assert.match(fix, mends)
      assert.deepEqual(examination.withMark('failed'), ['challenge-status'], `${as} at ${address}`)
      assert.deepEqual(examination.withMark('warning'), [], `${as} at ${address}`)
    }
  })
})
