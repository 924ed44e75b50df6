import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Examination, examineServer } from '../support/examination.ts'
import { startGatedSpy } from '../support/gated-spy.ts'
import { freePort } from '../support/installation.ts'
import { startTlsProxy } from '../support/tls-proxy.ts'

const ours = /^(?:\/\.well-known\/[^/]+)?\/gate(?:\/|$)/

/** Examines a gate at `/gate` behind a proxy that hands on what `route` says. */
async function examineBehind(
  test: TestContext,
  route: (path: string) => string | undefined,
): Promise<Examination> {
  const [port, gateway] = [await freePort(), await freePort()]
  const proxy = await startTlsProxy({
    port,
    to: (path) => {
      const to = route(path)
      return to === undefined ? undefined : { port: gateway, path: to }
    },
  })
  const gate = await startGatedSpy({ publicUrl: `${proxy.url}/gate`, listen: { gateway } })
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
    assert.match(fix ?? '', /hand on paths as they come/)
  })
})
