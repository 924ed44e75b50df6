import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { filePaths } from '../../src/audit/files.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { portcullis } from '../support/command.ts'
import { openDashboard } from '../support/dashboard-visitor.ts'
import { post } from '../support/era-calls.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import {
  type HeldStream,
  initialize,
  listenTo,
  type Streamer,
  sessionOf,
  startStreamer,
} from '../support/held-streams.ts'
import { testClients } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { type ServedFile, serveFile } from '../support/served-file.ts'
import { echo } from '../support/spy-upstream.ts'
import { until } from '../support/until.ts'

type TenantInput = NonNullable<ConfigInput['tenants']>[number]

const list = legacyRequest('tools/list')

for (const args of [[], ['--workers', '2']]) {
  describe(`tenants that come and go ${args.join(' ')}`, { timeout: 120_000 }, () => {
    let gate: ServedFile
    let spy: Streamer
    const suite = closeAfterTests()
    const at = (name: string, path = '/mcp'): string => `${gate.url}/t/${name}${path}`
    const tenant = (name: string, more: Partial<TenantInput> = {}): TenantInput => ({
      name,
      clients: testClients,
      upstreams: [{ name: 'spy', path: '/mcp', url: spy.url, transport: 'streamable-http', era: 'legacy' }],
      ...more,
    })
    const signIn = async (name: string): Promise<string> => {
      const browser = new FormBrowser({ fill: { name: 'ada' } })
      return (await new OAuthClient(at(name, '')).signIn({ scope: 'mcp:*' }, browser)).access_token
    }
    const streamOf = async (name: string, token: string): Promise<HeldStream> =>
      listenTo(at(name), token, sessionOf(await post(at(name), token, initialize)))
    const change = async (tenants: TenantInput[], message = /new configuration is in use/) => {
      const from = gate.lines().length
      await gate.write({ ...gate.config, tenants })
      return gate.says(message, from)
    }

    before(async () => {
      spy = await startStreamer()
      suite.after(() => spy.close())
      gate = await serveFile(suite, { tenants: [tenant('acme'), tenant('globex')] }, args)
    })

    it('are served from then on, or end in order, and others feel nothing', async () => {
      const [acme, globex] = [await signIn('acme'), await signIn('globex')]
      const [stays, goes] = [await streamOf('acme', acme), await streamOf('globex', globex)]
      let answer = (): unknown => undefined
      spy.answerWith((request, res) => {
        answer = () => echo(request, res)
      })
      const { stdout: link } = await portcullis(['dashboard', '-c', gate.file, '--tenant', 'globex'])
      const events = await (await openDashboard(link.trim())).get('/t/globex/events')
      const running = post(at('globex'), globex, list)
      await until(() => spy.seen.at(-1)?.body.includes('tools/list') === true, 'the request has arrived')
      const { changed } = await change([tenant('hooli'), tenant('acme')])
      assert.deepEqual(changed?.toSorted(), ['tenants[globex]', 'tenants[hooli]'])
      await goes.ends()
      assert.match(await events.text(), /^event: overview/, 'its dashboard shows nothing more')
      answer()
      assert.equal((await running).status, 200, 'what ran has finished')
      for (const url of [at('globex'), at('globex', '/account'), `${gate.adminUrl}/t/globex`])
        assert.equal((await fetch(url)).status, 404, url)
      assert.ok(!stays.ended)
      spy.answerWith(echo)
      assert.equal((await post(at('acme'), acme, list)).status, 200)
      assert.equal((await post(at('hooli'), await signIn('hooli'), list)).status, 200)
      assert.equal((await fetch(`${gate.adminUrl}/t/hooli`)).status, 401, 'it has a dashboard')
      assert.match(await (await fetch(`${gate.adminUrl}/metrics`)).text(), /tenant="hooli"/)
      await change([tenant('acme'), tenant('globex')])
      assert.equal((await post(at('globex'), globex, list)).status, 200, 'it comes back with what it had')
      assert.equal((await fetch(at('hooli'))).status, 404)
      assert.ok(!stays.ended)
    })

    it('change nothing where another one cannot be used', async () => {
      const globex = await signIn('globex')
      // Says that it is another issuer than the one whose document was asked for.
      const issuers = [{ issuer: new URL(spy.url).origin, audiences: ['api'] }]
      spy.answerWith((_, res) =>
        res
          .writeHead(200, { 'content-type': 'application/json' })
          .end(
            JSON.stringify({ issuer: 'https://another.example', jwks_uri: 'https://another.example/jwks' }),
          ),
      )
      await change([tenant('wayne'), tenant('acme', { issuers })], /cannot be used/)
      spy.answerWith(echo)
      assert.equal((await post(at('globex'), globex, list)).status, 200, 'it was to go')
      assert.equal((await fetch(at('wayne'))).status, 404)
      const folder = join(gate.data, 'tenants', 'wayne', 'audit')
      const lines = (await Promise.all(filePaths(folder).map((path) => readFile(path, 'utf8')))).join('')
      assert.match(lines, /"event":"audit.end"[^\n]*\n$/, 'what was opened for it is closed')
    })

    it('leave nothing open where one cannot be opened', async () => {
      const folder = join(gate.data, 'tenants', 'umbrella')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'audit'), 'where a folder has to be')
      await change([tenant('acme'), tenant('umbrella')], /umbrella\/audit, cannot be written/)
      // SQLite removes it with the last connection.
      const log = join(folder, 'portcullis.sqlite-wal')
      await until(() => !existsSync(log), 'its store is closed')
      assert.ok(existsSync(join(folder, 'portcullis.sqlite')), 'which was open')
    })
  })
}
