import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { ConfigInput } from '../../src/config/schema.ts'
import { portcullis } from '../support/command.ts'
import { startDocumentHost } from '../support/document-host.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { freePort, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { until } from '../support/until.ts'

type Algorithm = 'ES256' | 'RS256' | 'EdDSA'

const algorithmOf = (token: string | undefined): unknown => decodeProtectedHeader(token ?? '').alg

describe('the algorithm of Ed25519 keys (RFC 9864 section 2.2)', () => {
  it('has two names, of which a client may have one in its key and the other in its assertions', async (test) => {
    const { publicKey, privateKey } = await generateKeyPair('Ed25519')
    const jwk = { ...(await exportJWK(publicKey)), kty: 'OKP' }
    const host = await startDocumentHost()
    test.after(() => host.close())
    const names = ['Ed25519', 'EdDSA']
    const clients = names.map((alg) => ({ id: `key-${alg}`, jwks: { keys: [{ ...jwk, alg }] } }))
    const documents = clients.map(({ id, jwks }) => {
      const jwks_uri = host.answer(`/${id}`, { body: JSON.stringify(jwks) })
      return host.publish(`/of-${id}`, { token_endpoint_auth_method: 'private_key_jwt', jwks_uri })
    })
    const redirectUris = ['https://app.example/callback']
    const config = { clients: clients.map((client) => ({ ...client, redirectUris })) }
    const installation = await startInstallation({ config })
    test.after(() => installation.close())
    for (const id of [...clients.map((client) => client.id), ...documents]) {
      for (const alg of names) {
        const assertion = new SignJWT({ iss: id, sub: id, aud: installation.url, jti: `${id} ${alg}` })
          .setProtectedHeader({ alg })
          .setExpirationTime('1m')
        const parameters = {
          token: 'x',
          client_assertion: await assertion.sign(privateKey),
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        }
        const { status } = await new OAuthClient(installation.url).token(parameters, { path: '/introspect' })
        assert.equal(status, 200, `${alg} of ${id}`)
      }
    }
  })
})

describe('signing algorithms', () => {
  for (const signingAlgorithm of ['ES256', 'RS256', 'EdDSA'] as const) {
    it(`${signingAlgorithm} signs what the gateway accepts and the key set verifies`, async () => {
      const gate = await startGatedSpy({ tokens: { signingAlgorithm } })
      const token = await gate.tokenFor('mcp:tools:read')
      assert.equal(decodeProtectedHeader(token).alg, signingAlgorithm)
      assert.equal((await gate.post(legacyRequest('tools/list'), { token })).status, 200)
      const { keys } = (await (await fetch(`${gate.installation.url}/jwks`)).json()) as {
        keys: { kid: string }[]
      }
      assert.ok(keys.some(({ kid }) => kid === decodeProtectedHeader(token).kid))
      await gate.close()
    })
  }

  it('change between two starts, and nobody notices (A62)', { timeout: 60_000 }, async (test) => {
    const data = await mkdtemp(join(tmpdir(), 'portcullis-algorithms-'))
    const listen: ConfigInput['listen'] = { gateway: await freePort() }
    const startWith = (signingAlgorithm: Algorithm): Promise<GatedSpy> =>
      startGatedSpy({ data, listen, tokens: { signingAlgorithm } })
    let gate = await startWith('ES256')
    test.after(() => gate.close().then(() => rm(data, { recursive: true, force: true })))
    const { url } = gate.installation
    const client = await OAuthClient.register(url, { redirect_uris: ['http://127.0.0.1:1/cb'] })
    const tokens = [await client.signIn({ scope: 'mcp:tools:read openid' })]
    for (const algorithm of ['RS256', 'EdDSA'] as const) {
      await gate.close()
      gate = await startWith(algorithm)
      const refreshed = await client.refresh(tokens.at(-1)?.refresh_token ?? '')
      assert.equal(refreshed.status, 200, JSON.stringify(refreshed.body))
      tokens.push(refreshed.body)
      assert.equal(algorithmOf(refreshed.body.access_token), algorithm)
      assert.equal(algorithmOf(refreshed.body['id_token']), algorithm, 'ID tokens follow')
      for (const { access_token: token } of tokens) {
        assert.equal((await gate.post(legacyRequest('ping'), { token })).status, 200)
        const asked = await client.token({ token, client_id: client.clientId }, { path: '/introspect' })
        assert.equal(asked.body['active'], true)
      }
    }
    await gate.close()
    for (const { access_token: token } of tokens.slice(0, 2)) {
      const kid = String(decodeProtectedHeader(token).kid)
      const args = ['key', 'retire', kid, '--data', data]
      const env = { PORTCULLIS_TOKENS_SIGNING_ALGORITHM: 'EdDSA' }
      assert.equal((await portcullis(args, env)).code, 0)
    }
    gate = await startWith('EdDSA')
    assert.equal(
      (await client.refresh(tokens.at(-1)?.refresh_token ?? '')).status,
      200,
      'a client that registered in the time of a key that is gone',
    )
    const { access_token: first } = tokens[0] ?? { access_token: '' }
    assert.equal((await gate.post(legacyRequest('ping'), { token: first })).status, 401)
  })

  it('are what a rotation keeps to, and none ends keys of the one that servers sign with (A62)', {
    timeout: 180_000,
  }, async (test) => {
    const gate = await startGatedSpy({ tokens: { signingAlgorithm: 'EdDSA' } })
    test.after(() => gate.close())
    const { data } = gate.installation
    const key = (...args: string[]) => portcullis(['key', ...args, '--data', data])
    const rows = async (): Promise<string[]> => {
      const { stdout } = await key('list', '--json')
      const keys = JSON.parse(stdout) as Record<string, string>[]
      return keys
        .filter(({ signs }) => signs === 'access tokens')
        .map(({ algorithm, state, verifies_until: last }) => `${algorithm} ${state} ${last === '-'}`)
    }
    assert.deepEqual(await rows(), ['EdDSA active true'])
    assert.match((await key('rotate', '--now')).stdout, / signs now\./)
    assert.deepEqual(await rows(), ['EdDSA active true', 'EdDSA retired false'])

    const file = join(data, 'changed.yaml')
    await writeFile(file, 'tokens:\n  signingAlgorithm: RS256\n')
    for (const change of [
      ['-c', file, '--now'],
      ['--now', '--algorithm', 'RS256'],
    ]) {
      const { code, stdout } = await key('rotate', ...change)
      assert.equal(code, 0)
      assert.doesNotMatch(stdout, /signs now/)
      assert.match(stdout, /sign with EdDSA and keep doing so[^]*tokens\.signingAlgorithm RS256/)
    }
    assert.deepEqual(await rows(), [
      'RS256 next true',
      'RS256 retired false',
      'EdDSA active true',
      'EdDSA retired false',
    ])
    const { code, stderr } = await key('rotate', '--audit', '--algorithm', 'RS256')
    assert.equal(code, 2)
    assert.match(stderr, /--algorithm: applies only to the keys of access tokens/)
    assert.match((await key('rotate', '--audit')).stdout, /signed in the audit can still be verified/)
    assert.equal(algorithmOf(await gate.tokenFor('mcp:tools:read')), 'EdDSA')
  })

  it('may differ between processes for a while: each accepts what the other signs (A62)', {
    timeout: 30_000,
  }, async (test) => {
    const one = await startGatedSpy()
    test.after(() => one.close())
    const port = await freePort()
    const other = await startGatedSpy({
      data: one.installation.data,
      publicUrl: one.installation.url,
      listen: { gateway: port },
      allowedHosts: [`127.0.0.1:${port}`],
      tokens: { signingAlgorithm: 'EdDSA' },
    })
    test.after(() => other.close())
    const issued = await one.oauth.authorize({ scope: 'mcp:tools:read' })
    const { body } = await new OAuthClient(`http://127.0.0.1:${port}`).redeem(issued)
    assert.equal(algorithmOf(body.access_token), 'EdDSA')
    const ping = () => one.post(legacyRequest('ping'), { token: body.access_token })
    await until(async () => (await ping()).status === 200, 'the key of the other process counts here')
  })
})
