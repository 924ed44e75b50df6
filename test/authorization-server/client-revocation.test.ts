import assert from 'node:assert/strict'
import { it } from 'node:test'
import { portcullis } from '../support/command.ts'
import { askAs, confidential } from '../support/confidential.ts'
import { legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import { until } from '../support/until.ts'

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const machine = { grant_type: 'client_credentials', scope: 'mcp:tools:read' }

it('blocking a client ends what it got as a machine, and in exchange for the tokens of others (A9)', {
  timeout: 60_000,
}, async (test) => {
  const clients = [
    ...testClients,
    confidential('agent', ['client_credentials', exchange], { scopes: ['mcp:tools'] }),
    confidential('other', ['client_credentials'], { scopes: ['mcp:tools'] }),
  ]
  const gate = await startGatedSpy({ clients, grants: { tokenExchange: 'on' } })
  test.after(() => gate.close())
  const tokenOf = async (id: string, parameters: Record<string, string>): Promise<string> =>
    (await askAs(gate.oauth, id, parameters)).body.access_token
  const ofAda = await gate.tokenFor('mcp:tools:read', 'ada')
  const handedOn = {
    grant_type: exchange,
    subject_token: ofAda,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  }
  const ending = [await tokenOf('agent', machine), await tokenOf('agent', handedOn)]
  const staying = [ofAda, await tokenOf('other', machine)]
  const isGood = async (token: string): Promise<boolean> =>
    (await gate.post(legacyRequest('ping'), { token })).status === 200
  const isActive = async (token: string): Promise<unknown> =>
    (await askAs(gate.oauth, 'other', { token }, { path: '/introspect' })).body['active']
  for (const token of [...ending, ...staying])
    assert.deepEqual([await isGood(token), await isActive(token)], [true, true])

  const { code, stderr } = await portcullis(['client', 'block', 'agent', '--data', gate.installation.data])
  assert.equal(code, 0, stderr)
  for (const token of ending) {
    await until(async () => !(await isGood(token)), 'the token has ended')
    assert.equal(await isActive(token), false)
  }
  for (const token of staying) assert.deepEqual([await isGood(token), await isActive(token)], [true, true])
})
