import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import { systemClock as clock } from '../../src/core/clock.ts'
import { masterSecret } from '../../src/core/secret.ts'
import { localPasskeys } from '../../src/identity/passkeys.ts'
import type { ArtifactStore } from '../../src/storage/artifact-contract.ts'
import type { PasskeyStore } from '../../src/storage/passkey-contract.ts'
import type { UserStore } from '../../src/storage/user-contract.ts'

/** Passkeys of ada, of whom one is stored, and what became of challenges and of passkeys. */
function open({
  kept = 1,
  disabledAt = undefined as number | undefined,
  publicUrl = 'https://mcp.example.com',
  publicKey = 'AA',
  use = async (): Promise<boolean> => assert.fail('none is used'),
} = {}) {
  const done: string[] = []
  const passkey = { id: 'known', userId: 'usr_ada', publicKey, counter: 0 }
  const passkeys = localPasskeys({
    publicUrl,
    users: {
      find: async () => ({ id: 'usr_ada', name: 'ada', displayName: 'Ada', loginsSince: 0, disabledAt }),
    } as unknown as UserStore,
    passkeys: {
      async find(id: string) {
        assert.match(id, /^[\w-]+$/, 'nothing else comes to the store')
        return id === passkey.id ? passkey : undefined
      },
      list: async () => Array.from({ length: kept }, () => passkey),
      add: async () => assert.fail('none is added'),
      use,
      remove: async (_: string, id: string) => void done.push(`removed ${id}`),
    } as unknown as PasskeyStore,
    artifacts: {
      async insertOnce() {
        done.push('challenge')
        return true
      },
    } as unknown as ArtifactStore,
    secret: masterSecret(new Uint8Array(32).fill(1)),
    clock,
  })
  /** What a browser answers to a challenge, as far as it comes before the signature. */
  const answer = async (id: unknown, response: object = {}, holder = 'a browser'): Promise<string> => {
    const { challenge } = JSON.parse(await passkeys.startLogin(holder)) as { challenge: string }
    const clientDataJSON = Buffer.from(JSON.stringify({ challenge })).toString('base64url')
    return JSON.stringify({ id, response: { clientDataJSON, ...response } })
  }
  const reason = async (credential: string): Promise<string> => {
    const login = await passkeys.finishLogin({ credential, holder: 'a browser' })
    assert.ok('refused' in login)
    return login.reason ?? ''
  }
  return { passkeys, done, answer, reason }
}

describe('an answer of a browser that has no passkey of ours', () => {
  it('is refused whatever it is, and uses up no challenge where its passkey is not known', async () => {
    const { done, answer, reason } = open()
    for (const credential of [
      '',
      'x',
      'null',
      '[]',
      '{}',
      await answer(7),
      await answer('a'),
      await answer('a/b'),
    ])
      assert.equal(await reason(credential), 'no such passkey', credential)
    for (const credential of [
      '{"id":"known"}',
      '{"id":"known","response":{"clientDataJSON":"AA"}}',
      `{"id":"known","response":{"clientDataJSON":"${Buffer.from('{"challenge":1}').toString('base64url')}"}}`,
      await answer('known', {}, 'another browser'),
    ])
      assert.equal(await reason(credential), 'no such challenge', credential)
    assert.deepEqual(done, [])
  })

  it('is refused before its signature is looked at where it names somebody else, or its user is kept out (A58)', async () => {
    const { answer, reason, done } = open()
    const userHandle = Buffer.from('usr_eve').toString('base64url')
    assert.match(await reason(await answer('known', { userHandle })), /a passkey of usr_ada names another/)
    assert.deepEqual(done, ['challenge'])
    assert.match(await reason(await answer('known')), /^a passkey of usr_ada: /, 'it need not name anybody')
    const out = open({ disabledAt: 1 })
    assert.match(await out.reason(await out.answer('known')), /usr_ada is disabled/)
  })

  it('adds no passkey to so many, nor one that no browser made', async () => {
    const ada = { id: 'usr_ada', displayName: 'Ada' }
    const add = async (kept: number): Promise<unknown> => {
      const { passkeys, done } = open({ kept })
      const options = await passkeys.startRegistration(ada, 'a browser')
      const { challenge } = JSON.parse(options) as { challenge: string }
      const clientDataJSON = Buffer.from(JSON.stringify({ challenge })).toString('base64url')
      const credential = JSON.stringify({ id: 'new', response: { clientDataJSON } })
      return [await passkeys.finishRegistration(ada, 'mine', { credential, holder: 'a browser' }), done]
    }
    assert.deepEqual(await add(20), ['You have as many passkeys as you can have here. Remove one first.', []])
    assert.deepEqual(await add(19), [
      'Your browser did not create a passkey that can be used here.',
      ['challenge'],
    ])
  })

  it('is never asked for at an address, where there are none, and removes nothing that is no passkey', async () => {
    assert.equal(open().passkeys.unavailable, undefined)
    for (const publicUrl of ['https://192.0.2.1', 'https://[2001:db8::1]'])
      assert.match(open({ publicUrl }).passkeys.unavailable ?? '', /need a host name/)
    const { passkeys, done } = open()
    for (const id of ['', 'a b', 'x'.repeat(1365), 'x'.repeat(1364)]) await passkeys.remove('usr_ada', id)
    assert.deepEqual(done, [`removed ${'x'.repeat(1364)}`])
  })
})

/** A key of a device, and the form in which it is kept here: COSE (RFC 9053 section 7.1.1). */
function deviceKey(): { readonly privateKey: KeyObject; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const cose = [
    Buffer.from('a5010203262001215820', 'hex'),
    Buffer.from(x, 'base64url'),
    Buffer.from('225820', 'hex'),
    Buffer.from(y, 'base64url'),
  ]
  return { privateKey, publicKey: Buffer.concat(cose).toString('base64url') }
}

describe('an answer of a device to a challenge', () => {
  const ours = deviceKey()
  const saw = { presence: 0x01, person: 0x05 }

  /** Logs in with a passkey of ada, and returns who that is, or why not. */
  const logIn = async ({
    key = ours.privateKey,
    flags = saw.person,
    origin = 'https://mcp.example.com',
    counts = true,
  } = {}): Promise<string | undefined> => {
    const { passkeys } = open({ publicKey: ours.publicKey, use: async () => counts })
    const { challenge } = JSON.parse(await passkeys.startLogin('a browser')) as { challenge: string }
    const clientData = Buffer.from(JSON.stringify({ type: 'webauthn.get', challenge, origin }))
    const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest()
    const device = Buffer.concat([sha256('mcp.example.com'), Buffer.from([flags, 0, 0, 0, 1])])
    const response = {
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: device.toString('base64url'),
      signature: sign('sha256', Buffer.concat([device, sha256(clientData)]), key).toString('base64url'),
      userHandle: Buffer.from('usr_ada').toString('base64url'),
    }
    const passkey = { id: 'known', rawId: 'known', type: 'public-key', clientExtensionResults: {} }
    const credential = JSON.stringify({ ...passkey, response })
    const login = await passkeys.finishLogin({ credential, holder: 'a browser' })
    return 'refused' in login ? login.reason : login.id
  }

  it('signs in with the signature of its key for our origin, if the device has seen its person, and is no copy', async () => {
    assert.equal(await logIn(), 'usr_ada')
    assert.equal(await logIn({ key: deviceKey().privateKey }), 'a passkey of usr_ada: the signature is wrong')
    assert.match((await logIn({ flags: saw.presence })) ?? '', /^a passkey of usr_ada: User verification/)
    assert.match((await logIn({ origin: 'https://evil.example' })) ?? '', /^a passkey of usr_ada: .*origin/)
    assert.match((await logIn({ counts: false })) ?? '', /may have been copied/)
  })
})
