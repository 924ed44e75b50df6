import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { grantVouched } from '../../src/authorization-server/grant-types/vouched-user.ts'
import { type AssertionProvider, startAssertionProvider } from '../support/assertion-provider.ts'
import { portcullis } from '../support/command.ts'
import { askAs, confidential } from '../support/confidential.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import type { TokenAnswer } from '../support/oauth.ts'
import { addVouchedUser, openPeople } from '../support/people.ts'
import { until } from '../support/until.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'

let gate: GatedSpy
let provider: AssertionProvider
before(async () => {
  provider = await startAssertionProvider(() => gate)
  const { issuer, jwksUri } = provider
  gate = await startGatedSpy({
    clients: [
      ...testClients,
      ...['desktop', 'blocked'].map((id) => confidential(id, [jwtBearer, exchange])),
      ...['first', 'second', 'third'].map((id) => confidential(id, [exchange])),
      confidential('looker', ['client_credentials'], { scopes: ['mcp:*'] }),
    ],
    grants: { tokenExchange: 'on', identityAssertions: [{ issuer, jwksUri, subjectPrefix: 'company:' }] },
  })
})
after(async () => {
  await gate.close()
  await provider.close()
})

const redeem = async (sub: string, id = 'desktop'): Promise<TokenAnswer> =>
  askAs(gate.oauth, id, {
    grant_type: jwtBearer,
    assertion: await provider.assert({ sub, client_id: id }),
  })
const tokenOf = async (sub: string, id?: string): Promise<string> => (await redeem(sub, id)).body.access_token
const handOn = async (token: string, id: string): Promise<TokenAnswer> =>
  askAs(gate.oauth, id, {
    grant_type: exchange,
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  })
const handedOn = async (token: string, id: string): Promise<string> =>
  (await handOn(token, id)).body.access_token

const isGood = async (token: string): Promise<boolean> =>
  (await gate.post(legacyRequest('ping'), { token })).status === 200
const introspect = async (token: string): Promise<Record<string, unknown>> =>
  (await askAs(gate.oauth, 'looker', { token }, { path: '/introspect' })).body
const states = async (token: string): Promise<unknown> => [
  await isGood(token),
  (await introspect(token))['active'],
]

/** Waits until the first has ended, and looks whether the others have, and whether these are good that must be. */
async function assertEnded(ended: readonly string[], good: readonly string[]): Promise<void> {
  await until(async () => !(await isGood(ended[0] as string)), 'the first has ended')
  for (const token of ended) {
    assert.deepEqual(await states(token), [false, false], JSON.stringify(decodeJwt(token)))
    assert.equal((await handOn(token, 'third')).body.error, 'invalid_request')
  }
  for (const token of good) assert.deepEqual(await states(token), [true, true])
}

const block = async (id: string): Promise<void> => {
  const { code, stderr } = await portcullis(['client', 'block', id, '--data', gate.installation.data])
  assert.equal(code, 0, stderr)
}

describe('blocking a client ends', { timeout: 60_000 }, () => {
  it('what it got for assertions, about whomever, and what others got in exchange for that (A9)', async () => {
    await addVouchedUser(gate.installation.data, provider.issuer, 'wendy')
    const own = [await tokenOf('alice', 'blocked'), await tokenOf('wendy', 'blocked')] as const
    const ending: string[] = [...own]
    for (const token of own) ending.push(await handedOn(token, 'third'))
    ending.push(await handedOn(ending.at(-1) as string, 'desktop'))
    const staying = [await tokenOf('alice'), await tokenOf('wendy')]
    for (const token of [...ending, ...staying]) assert.deepEqual(await states(token), [true, true])
    await block('blocked')
    await assertEnded(ending, staying)
  })

  it('what others got in exchange for a token that it had got in exchange (A9)', async () => {
    const ofAda = await gate.tokenFor('mcp:tools:read', 'ada')
    const first = await handedOn(ofAda, 'first')
    const second = await handedOn(first, 'second')
    const third = await handedOn(second, 'third')
    const other = await handedOn(await handedOn(ofAda, 'second'), 'third')
    await block('first')
    await assertEnded([first, second, third], [ofAda, other])
  })
})

describe('the end of the access of somebody who signs in at the provider', { timeout: 60_000 }, () => {
  it('ends what they got for assertions before they did, and what was handed on of it (A58)', async () => {
    const early = await tokenOf('walter')
    const others = [await tokenOf('alice'), await handedOn(early, 'second')] as const
    const id = await addVouchedUser(gate.installation.data, provider.issuer, 'walter')
    const late = await tokenOf('walter')
    const people = await openPeople(gate.installation)
    await people.disable(id)
    await assertEnded([early, late, others[1]], [others[0]])
    assert.equal((await redeem('walter')).body.error, 'invalid_grant')
    await people.enable(id)
    assert.deepEqual(await states(await tokenOf('walter')), [true, true], 'at once')
    await people.close()
  })

  it('is no ban where they are removed: then the provider vouches for a stranger (A58)', async () => {
    const early = await tokenOf('ruth')
    const id = await addVouchedUser(gate.installation.data, provider.issuer, 'ruth')
    const late = await tokenOf('ruth')
    const people = await openPeople(gate.installation)
    await people.remove(id)
    await people.close()
    await assertEnded([early, late], [])
    assert.equal((await redeem('ruth')).status, 200)
  })
})

it('introspection tells nothing of what a token ends with', async () => {
  const { assertion, gid, ...claims } = decodeJwt(await tokenOf('alice'))
  assert.ok(assertion !== undefined && gid === undefined)
  const token = await tokenOf('alice')
  const { active, token_type: type, ...told } = await introspect(token)
  assert.deepEqual([active, type], [true, 'Bearer'])
  assert.deepEqual(Object.keys(told).toSorted(), Object.keys(claims).toSorted())
})

describe('an assertion that is redeemed while its user is kept out', () => {
  it('gives nothing and leaves no grant (A58)', async () => {
    const user = { id: 'usr_walter', disabledAt: undefined }
    for (const now of [{ ...user, disabledAt: 1 }, undefined, user]) {
      const done: string[] = []
      class Grant {
        addResourceScope(): void {}
        async save(): Promise<string> {
          done.push('saved')
          return 'a grant'
        }
        async destroy(): Promise<void> {
          done.push('destroyed')
        }
      }
      const found = [user, now]
      const granting = grantVouched(
        { Grant } as never,
        { grants: { findVouched: async () => found.shift() } } as never,
        { issuer: 'x', subject: 'y', clientId: 'z', resource: 'r', scopes: ['s'], lifetimeSeconds: 60 },
      )
      if (now === user) assert.ok((await granting).gid)
      else await assert.rejects(granting, { error: 'invalid_grant' })
      assert.deepEqual(done, now === user ? ['saved'] : ['saved', 'destroyed'])
    }
  })
})
