import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { before, describe, it } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { post } from '../support/era-calls.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { freePort, testClients } from '../support/installation.ts'
import { type Listening, listen } from '../support/listen.ts'
import { OAuthClient } from '../support/oauth.ts'
import { type ServedFile, serveFile } from '../support/served-file.ts'
import { type SpyUpstream, startSpyUpstream } from '../support/spy-upstream.ts'

type TenantInput = NonNullable<ConfigInput['tenants']>[number]

const list = legacyRequest('tools/list')
const inUse = /new configuration is in use/
const refused = /cannot be used/

for (const args of [[], ['--workers', '2']]) {
  describe(`the tenants in a file that changes ${args.join(' ')}`, { timeout: 120_000 }, () => {
    let gate: ServedFile
    let spy: SpyUpstream
    let liar: Listening
    const suite = closeAfterTests()
    const at = (tenant: string, path = '/mcp'): string => `${gate.url}/t/${tenant}${path}`
    const upstream = (more: object = {}) =>
      ({
        name: 'spy',
        path: '/mcp',
        url: spy.url,
        transport: 'streamable-http',
        era: 'both',
        ...more,
      }) as const
    const tenant = (name: string, more: Partial<TenantInput> = {}): TenantInput => ({
      name,
      clients: testClients,
      upstreams: [upstream()],
      ...more,
    })
    const tokenFor = async (name: string): Promise<string> => {
      const browser = new FormBrowser({ fill: { name: 'ada' } })
      return (await new OAuthClient(at(name, '')).signIn({ scope: 'mcp:*' }, browser)).access_token
    }
    const change = async (settings: ConfigInput, message: RegExp) => {
      const from = gate.lines().length
      await gate.write({ ...gate.config, ...settings })
      return gate.says(message, from)
    }

    before(async () => {
      spy = await startSpyUpstream()
      suite.after(() => spy.close())
      // Says that it is another issuer than the one whose document was asked for.
      const server = createServer((_, res) =>
        res
          .writeHead(200, { 'content-type': 'application/json' })
          .end(
            JSON.stringify({ issuer: 'https://another.example', jwks_uri: 'https://another.example/jwks' }),
          ),
      )
      liar = await listen(server, suite)
      const gateway = await freePort()
      gate = await serveFile(
        suite,
        {
          publicUrl: `http://127.0.0.1:${gateway}`,
          listen: { gateway },
          upstreams: [upstream()],
          tenants: [tenant('acme'), tenant('globex')],
        },
        args,
      )
    })

    it('is taken up by the tenant that it is about, and by no other', async () => {
      const [acme, globex] = [await tokenFor('acme'), await tokenFor('globex')]
      const secret = upstream({ methods: { 'tools/list': ['archive:read'] } })
      const line = await change(
        {
          tenants: [
            tenant('acme', { scopes: { 'archive:read': 'Read' }, upstreams: [secret] }),
            tenant('globex'),
          ],
        },
        inUse,
      )
      assert.deepEqual(line.changed, [
        'tenants[acme].upstreams[spy].methods.tools/list',
        'tenants[acme].scopes.archive:read',
      ])
      assert.equal((await post(at('acme'), acme, list)).status, 403)
      assert.equal((await post(at('globex'), globex, list)).status, 200)
      await change({}, inUse)
      assert.equal((await post(at('acme'), acme, list)).status, 200)
    })

    it('is refused where a tenant moves or needs a restart, and then nothing changes', async () => {
      const globex = await tokenFor('globex')
      const { problems } = await change(
        {
          limits: { batch: 7 },
          tenants: [
            tenant('acme', { host: 'acme.localhost', tokens: { signingAlgorithm: 'EdDSA' } }),
            tenant('hooli'),
          ],
        },
        refused,
      )
      assert.deepEqual(
        new Map(problems?.map(({ path, message }) => [path, message])),
        new Map([
          ['tenants[acme].host', 'has changed: restart the server to use the new value'],
          ['tenants[acme].tokens.signingAlgorithm', 'has changed: restart the server to use the new value'],
        ]),
      )
      assert.equal((await post(at('globex'), globex, list)).status, 200)
      assert.equal((await post(at('hooli'), globex, list)).status, 404)
    })

    it('is refused for all of them where it cannot be used by one', async () => {
      const acme = await tokenFor('acme')
      const issuers = [{ issuer: liar.url, audiences: ['api'] }]
      await change(
        {
          upstreams: [upstream({ path: '/moved/mcp' })],
          tenants: [
            tenant('acme', { upstreams: [upstream({ path: '/moved/mcp' })] }),
            tenant('globex', { issuers }),
          ],
        },
        args.length > 0 ? refused : /tenants\[1\]\.issuers\[0\]\.issuer/,
      )
      assert.equal((await post(at('acme'), acme, list)).status, 200)
      assert.equal((await post(at('acme', '/moved/mcp'), acme, list)).status, 404)
      assert.equal((await post(`${gate.url}/moved/mcp`, acme, list)).status, 404)
      assert.equal((await post(`${gate.url}/mcp`, acme, list)).status, 401)
    })
  })
}
