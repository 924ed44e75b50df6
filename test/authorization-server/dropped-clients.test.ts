import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { askAs, confidential } from '../support/confidential.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type GatedSpy, gateAt, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { startInstallation, testClients } from '../support/installation.ts'
import { startSpyUpstream } from '../support/spy-upstream.ts'

const agent = confidential('agent', ['client_credentials'], { scopes: ['mcp:tools'] })
const other = confidential('other', ['client_credentials'], { scopes: ['mcp:tools'] })
const kept = testClients.filter(({ id }) => id === 'user-client')

interface Tokens {
  readonly gate: GatedSpy
  readonly ofAgent: string
  readonly ofOther: string
  readonly ofAda: string
}

async function open(test: TestContext): Promise<Tokens> {
  const gate = await startGatedSpy({ clients: [...testClients, agent, other] })
  test.after(() => gate.close())
  const tokens = {
    ofAgent: await tokenOf(gate, 'agent'),
    ofOther: await tokenOf(gate, 'other'),
    ofAda: await gate.tokenFor('mcp:tools:read', 'ada'),
  }
  for (const token of Object.values(tokens)) assert.equal(await tryAt(gate, token), 200)
  return { gate, ...tokens }
}

const tokenOf = async ({ oauth }: GatedSpy, id: string): Promise<string> =>
  (await askAs(oauth, id, { grant_type: 'client_credentials' })).body.access_token

const tryAt = async (gate: GatedSpy, token: string): Promise<number> =>
  (await gate.post(legacyRequest('ping'), { token })).status

describe('a client that the configuration drops loses its access (A9)', { timeout: 60_000 }, () => {
  it('as soon as the configuration changes', async (test) => {
    const { gate, ofAgent, ofOther, ofAda } = await open(test)
    await gate.installation.replace({ clients: [...kept, other] })
    assert.equal(await tryAt(gate, ofAgent), 401)
    assert.equal(await tryAt(gate, ofOther), 200)
    assert.equal(await tryAt(gate, ofAda), 200)
    assert.match(gate.installation.log(), /the client agent is not configured any more/)
    await gate.installation.replace({ clients: [other] })
    assert.equal(await tryAt(gate, ofAda), 401, 'what users granted it')
    assert.equal(await tryAt(gate, ofOther), 200)
  })

  it('at the next start', async (test) => {
    const { gate, ofAgent, ofOther } = await open(test)
    await gate.installation.restart({ clients: [...kept, other] })
    assert.equal(await tryAt(gate, ofAgent), 401)
    assert.equal(await tryAt(gate, ofOther), 200)
  })

  it('also where it is that of a tenant', async (test) => {
    const spy = await startSpyUpstream()
    test.after(() => spy.close())
    const server = { name: 'spy', path: '/mcp', url: spy.url, era: 'both' } as const
    const acme = (clients: ConfigInput['clients']) => ({
      tenants: [{ name: 'acme', clients, upstreams: [server] }],
    })
    const installation = await startInstallation({ config: acme([agent, other]) })
    test.after(() => installation.close())
    const gate = gateAt(installation, `${installation.url}/t/acme`, spy)
    const [ofAgent, ofOther] = [await tokenOf(gate, 'agent'), await tokenOf(gate, 'other')]
    await installation.replace(acme([other]))
    assert.equal(await tryAt(gate, ofAgent), 401)
    assert.equal(await tryAt(gate, ofOther), 200)
  })

  it('and whose device waits, which its user is told instead of to type the code again', async (test) => {
    const grants = { deviceCode: 'on' } as const
    const television = {
      id: 'television',
      grantTypes: ['urn:ietf:params:oauth:grant-type:device_code' as const],
    }
    const gate = await startGatedSpy({ clients: [...kept, television], grants })
    test.after(() => gate.close())
    const asked = { client_id: 'television', scope: 'mcp:tools:read' }
    const { body } = await gate.oauth.token(asked, { path: '/device_authorization' })
    await gate.installation.replace({ clients: kept, grants })
    const browser = new FormBrowser({ fill: { user_code: String(body['user_code']) } })
    await browser.visit(`${gate.installation.url}/device`)
    assert.equal(browser.lastPage.status, 400)
    assert.match(browser.lastPage.html, /This program is not known here/)
  })
})
