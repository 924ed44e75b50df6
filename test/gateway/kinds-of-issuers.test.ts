import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { portcullis } from '../support/command.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { proofKey } from '../support/proofs.ts'
import { startTokenIssuer, type TokenIssuer, tryToken } from '../support/token-issuer.ts'

describe('a token as each kind of issuer makes it', () => {
  const read = 'mcp:tools:read'
  const kinds = {
    entra: { claims: { scp: read, tid: 'a-tenant', ver: '2.0', azp: 'app' }, header: { typ: 'JWT' } },
    keycloak: { claims: { scope: `openid ${read}`, typ: 'Bearer', azp: 'app' }, header: { typ: 'JWT' } },
    auth0: { claims: { scope: 'openid', permissions: [read], azp: 'app' }, header: { typ: 'at+jwt' } },
    okta: {
      claims: { scp: ['openid', read], cid: 'app', azp: undefined },
      header: { typ: 'application/okta-internal-at+jwt' },
    },
    google: {
      claims: { email: 'robot@example.com', email_verified: true, azp: 'app' },
      header: { typ: 'JWT' },
    },
  } as const
  const names = Object.keys(kinds) as (keyof typeof kinds)[]
  const issuers = new Map<string, TokenIssuer>()
  let gate: GatedSpy
  before(async () => {
    for (const name of names) issuers.set(name, await startTokenIssuer(() => 'api'))
    gate = await startGatedSpy({
      authorizationServer: 'external',
      clients: [],
      issuers: names.map((preset) => ({
        preset,
        issuer: issuers.get(preset)?.issuer ?? '',
        audiences: ['api'],
        ...(preset === 'google' ? { scopes: [read] } : {}),
      })),
    })
  })
  after(async () => {
    await gate.close()
    for (const issuer of issuers.values()) await issuer.close()
  })

  for (const name of names)
    it(`of ${name} counts for its scopes, and names its client (V2, V3)`, async () => {
      const issuer = issuers.get(name)
      assert.ok(issuer)
      const { claims, header } = kinds[name]
      const token = await issuer.token(claims, header)
      assert.equal(await tryToken(gate, token), '200')
      const sent = gate.spy.seen.at(-1)?.headers.authorization?.slice('Bearer '.length) ?? ''
      assert.equal(decodeJwt(sent)['client_id'], 'app')
      assert.equal((await gate.post(legacyRequest('resources/list'), { token })).status, 403)
      const strange = await issuer.token(claims, { typ: 'logout+jwt' })
      assert.equal(await tryToken(gate, strange), 'token is no access token')
    })

  it('of keycloak that is bound to a key says so inside, and counts with a proof (A6, A13)', async () => {
    const issuer = issuers.get('keycloak') ?? assert.fail('there is no keycloak')
    const key = await proofKey()
    const bound = { scope: read, typ: 'DPoP', azp: 'app', cnf: { jkt: key.thumbprint } }
    const token = await issuer.token(bound, { typ: 'JWT' })
    const dpop = await key.prove({ url: gate.installation.mcpUrl, token })
    const headers = { authorization: `DPoP ${token}`, dpop }
    assert.equal((await gate.post(legacyRequest('tools/list'), { headers })).status, 200)
    assert.equal(await tryToken(gate, token), 'token comes without a proof')
    const refresh = await issuer.token({ ...bound, typ: 'Refresh' }, { typ: 'JWT' })
    assert.equal(await tryToken(gate, refresh), 'token is no access token')
  })

  it('comes from an issuer of which "check --ask-issuers" says what it can do (N7)', async () => {
    const file = join(gate.installation.data, 'portcullis.yaml')
    const { issuer } = issuers.get('entra') ?? assert.fail('there is no entra')
    await writeFile(
      file,
      `mode: development
authorizationServer: external
upstreams: [{ name: a, url: http://127.0.0.1:9/mcp }]
issuers: [{ preset: entra, issuer: '${issuer}', audiences: [api] }]
`,
    )
    const { code, stderr } = await portcullis(['check', '-c', file, '--ask-issuers'])
    assert.equal(code, 0, stderr)
    assert.match(stderr, /: the parameter resource \(RFC 8707\): no; it refuses the parameter/)
    assert.match(stderr, /: PKCE with S256: no;/)
  })
})
