import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { rememberedConsents } from '../../src/authorization-server/consent/remembered-consent.ts'
import { systemClock as clock } from '../../src/core/clock.ts'
import type { ConsentStore } from '../../src/storage/consent-contract.ts'

const redirectUri = 'https://app.example/cb'
const resource = 'https://gate.example/mcp'
const scope = 'mcp:tools:read'

interface Asked {
  /** What the store says that was agreed to, each time that it is asked. */
  readonly agreed?: readonly (readonly string[])[]
  readonly route?: string
  readonly prompts?: readonly string[]
  readonly redirect?: string
  readonly asked?: readonly string[]
}

/** Asks for what is remembered. Returns whether it was granted, and what has become of the grants. */
async function ask({
  agreed = [[scope]],
  route = 'authorization',
  prompts = [],
  redirect = redirectUri,
  asked: scopes = [scope],
}: Asked) {
  const done: string[] = []
  let asked = 0
  const consents = {
    scopes: async () => agreed[Math.min(asked++, agreed.length - 1)],
    remember: async () => void done.push('remembered'),
  } as unknown as ConsentStore
  class Grant {
    readonly jti = 'a grant'
    addResourceScope(): void {}
    async save(): Promise<void> {
      done.push('saved')
    }
    async destroy(): Promise<void> {
      done.push('destroyed')
    }
  }
  const client = { clientId: 'web', redirectUris: [redirect] }
  const oidc = {
    client,
    route,
    provider: { Grant },
    session: { accountId: 'ada', ensureClientContainer: () => undefined, grantIdFor: () => undefined },
    params: { redirect_uri: redirect },
    prompts: new Set(prompts),
    resourceServers: { [resource]: { scopes: new Set([scope]) } },
    requestParamScopes: new Set(scopes),
    requestParamOIDCScopes: new Set(),
    entity: () => done.push('granted'),
  }
  const remembered = rememberedConsents({ consents, clock, days: 90 })
  const isGranted = await remembered.grantRemembered({ oidc } as unknown as KoaContextWithOIDC)
  await remembered.remember({
    accountId: 'ada',
    client: client as never,
    redirectUri: redirect,
    resource,
    scopes: [scope],
  })
  return { isGranted, done }
}

describe('consent that is remembered (X2)', () => {
  it('is granted where all of it was agreed to', async () => {
    assert.deepEqual(await ask({}), { isGranted: true, done: ['saved', 'granted', 'remembered'] })
    for (const agreed of [[], ['mcp:tools:execute']])
      assert.equal((await ask({ agreed: [agreed] })).isGranted, false)
    for (const asked of [[], ['made:up']])
      assert.equal((await ask({ agreed: [[]], asked })).isGranted, false, 'who asks for nothing is asked')
    const beyond = await ask({ asked: [scope, 'made:up'] })
    assert.equal(beyond.isGranted, true, 'what nobody can get is no question')
  })

  it('leaves no grant where it is taken back at that moment (A58)', async () => {
    const { isGranted, done } = await ask({ agreed: [[scope], []] })
    assert.equal(isGranted, false)
    assert.deepEqual(done.slice(0, 2), ['saved', 'destroyed'])
    assert.ok(!done.includes('granted'))
  })

  it('is for no device, whose user may be somebody else, and for no client that wants the question (A50)', async () => {
    for (const one of [{ route: 'device_resume' }, { prompts: ['consent'] }])
      assert.deepEqual(await ask(one), { isGranted: false, done: ['remembered'] }, JSON.stringify(one))
    assert.equal((await ask({ route: 'resume', prompts: ['login'] })).isGranted, true)
  })

  it('is never of a program that any other can pass for (R11, A54)', async () => {
    for (const redirect of [
      'cursor://app.example/cb',
      'com.example.app:/cb',
      'http://app.example/cb',
      'https://localhost/cb',
    ])
      assert.deepEqual(await ask({ redirect }), { isGranted: false, done: [] }, redirect)
  })
})
