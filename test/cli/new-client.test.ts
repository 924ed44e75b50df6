import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { type AddFlags, newClientMetadata } from '../../src/cli/new-client.ts'
import { ScopeCatalogue } from '../../src/core/scope-catalogue.ts'

const https = 'https://app.example/callback'

function metadataOf(flags: Partial<AddFlags>): Readonly<Record<string, unknown>> {
  return newClientMetadata(
    'the-id',
    { name: 'Editor', redirectUri: [], grant: [], scope: [], ...flags },
    { privateUse: [], catalogue: new ScopeCatalogue({}) },
  )
}

/** Of these flags: how the client authenticates, and what for. */
function kindOf(flags: Partial<AddFlags>): unknown[] {
  const { token_endpoint_auth_method: method, grant_types: grants } = metadataOf(flags)
  return [method, grants]
}

describe('a client that an operator adds', () => {
  it('is for users if it has redirect URIs, and a machine otherwise, unless its grants are named', () => {
    const forUsers = ['authorization_code', 'refresh_token']
    assert.deepEqual(kindOf({ redirectUri: [https] }), ['none', forUsers])
    assert.deepEqual(kindOf({ redirectUri: [https], secret: true }), ['client_secret_basic', forUsers])
    assert.deepEqual(kindOf({ redirectUri: [https], public: true }), ['none', forUsers])
    const machine = ['client_credentials']
    assert.deepEqual(kindOf({ scope: ['mcp:tools'] }), ['client_secret_basic', machine])
    const code = 'authorization_code'
    assert.deepEqual(kindOf({ redirectUri: [https], grant: [code] }), ['none', [code]])
    const device = 'urn:ietf:params:oauth:grant-type:device_code'
    assert.deepEqual(
      kindOf({ grant: [device] }),
      ['none', [device]],
      'no scope is needed, since a user is asked',
    )
  })

  it('authenticates with keys if it has some, which must be public', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const folder = mkdtempSync(join(tmpdir(), 'new-client-'))
    const [good, bad] = [join(folder, 'public.json'), join(folder, 'private.json')]
    const keys = [await exportJWK(publicKey)]
    writeFileSync(good, JSON.stringify({ keys }))
    writeFileSync(bad, JSON.stringify({ keys: [await exportJWK(privateKey)] }))
    const metadata = metadataOf({ scope: ['mcp:tools'], jwks: good })
    assert.equal(metadata['token_endpoint_auth_method'], 'private_key_jwt')
    assert.deepEqual(metadata['jwks'], { keys })
    for (const [file, problem] of [
      [bad, /^--jwks: \S+private\.json has a private key/],
      [join(folder, 'nothing.json'), /^--jwks: /],
    ] as const)
      assert.throws(() => metadataOf({ scope: ['mcp:tools'], jwks: file }), {
        name: 'OperandWrong',
        message: problem,
      })
  })

  it('may be held to bound tokens and pushed requests', () => {
    const { dpop_bound_access_tokens: bound, require_pushed_authorization_requests: pushed } = metadataOf({
      redirectUri: [https],
      requireDpop: true,
    })
    assert.deepEqual([bound, pushed], [true, false])
    const other = metadataOf({ redirectUri: [https], requirePushedRequests: true })
    assert.deepEqual(
      [other['dpop_bound_access_tokens'], other['require_pushed_authorization_requests']],
      [false, true],
    )
  })

  for (const [flags, problem] of [
    [{ name: ' ', redirectUri: [https] }, /^--name: must not be empty/],
    [{ redirectUri: ['http://app.example/'] }, /^--redirect-uri: http:\/\/app.example\/ is plain http/],
    [{ grant: ['authorization_code'] }, /^--redirect-uri: is required for authorization_code$/],
    [{ redirectUri: [https], grant: ['password'] }, /^--grant: password is not one of authorization_code, /],
    [{}, /^--scope: is required for client_credentials, the grant of a program without --redirect-uri: /],
    [{ grant: ['client_credentials'] }, /^--scope: is required for client_credentials: /],
    [{ scope: [' '] }, /^--scope: name at least one scope$/],
    [{ scope: ['mcp:tools everything'] }, /^--scope: everything is neither an MCP scope/],
    [{ redirectUri: [https], public: true, secret: true }, /^--public, --secret, --jwks: are alternatives/],
    [{ scope: ['mcp:tools'], public: true }, /^--public: cannot be used with client_credentials/],
  ] as const) {
    it(`is refused with what is wrong: ${problem.source}`, () => {
      const metadata = (): unknown => metadataOf(flags)
      assert.throws(metadata, (error: Error) => error.name === 'OperandWrong' && problem.test(error.message))
      assert.throws(metadata, (error: Error) => !error.message.includes('\n'), 'and with nothing else')
    })
  }
})
