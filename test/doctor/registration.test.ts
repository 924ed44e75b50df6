import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ResourceFacts, ServerFacts, Visit } from '../../src/doctor/contract.ts'
import { profiles } from '../../src/doctor/profiles.ts'
import { createReport } from '../../src/doctor/report.ts'
import { registerClient } from '../../src/doctor/steps/register-client.ts'
import { registerReceiver } from '../../src/doctor/steps/register-receiver.ts'
import { type Answer, origin, resource, server } from '../support/doctor-step.ts'

const redirectUri = 'http://127.0.0.1:6274/oauth/callback'

/** A visit of a server that answers every registration so, with what it was sent and what was found. */
function visit({ json, ...answer }: Answer, changes: Partial<Visit> = {}) {
  const sent: unknown[] = []
  const report = createReport(() => undefined)
  const made: Visit = {
    endpoint: new URL(`${origin}/mcp`),
    profile: profiles.inspector,
    revision: '2025-11-25',
    credentials: { kind: 'none' },
    report,
    say: () => undefined,
    async ask(url, question) {
      sent.push(question?.json)
      const text = json === undefined ? '' : JSON.stringify(json)
      return { url, status: 201, headers: {}, cookies: [], text, ...answer }
    },
    ...changes,
  }
  return { made, sent, report }
}

interface Known {
  readonly ways?: readonly ('document' | 'dynamic')[]
  readonly facts?: Partial<ServerFacts>
  readonly scopes?: ResourceFacts['scopes']
}

const register = (made: Visit, { ways = made.profile.registration, facts = {}, scopes = [] }: Known = {}) =>
  registerClient(made, {
    server: { ...server, ...facts },
    resource: { ...resource, scopes },
    redirectUri,
    port: 1234,
    ways,
  })

describe('doctor registers', () => {
  it('what the client registers, with the scopes that it will ask for', async () => {
    const { metadata } = profiles.cursor
    const redirects = ['http://localhost:1234/callback', ...profiles.cursor.redirectUris.slice(1)]
    for (const scopes of [[], ['one'], ['one', 'two']]) {
      const { made, sent } = visit({ json: { client_id: 'id' } }, { profile: profiles.cursor })
      await register(made, { scopes })
      const scope = scopes.length === 0 ? {} : { scope: scopes.join(' ') }
      assert.deepEqual(sent, [{ redirect_uris: redirects, ...metadata, ...scope }])
    }
  })

  it('in the ways of the client alone, and only where it is nobody yet', async () => {
    const document = { takesDocuments: true }
    const none = 'there is neither'
    for (const [profile, known, id] of [
      [profiles.claude, { facts: document }, profiles.claude.documentUrl],
      [profiles.claude, {}, 'id'],
      [profiles.claude, { ways: ['document'] }, none],
      [profiles.inspector, { facts: document, ways: ['document'] }, none],
      [profiles.inspector, { facts: document, ways: ['document', 'dynamic'] }, 'id'],
    ] as const) {
      const { made, sent, report } = visit({ json: { client_id: 'id' } }, { profile })
      assert.equal((await register(made, known))?.id ?? none, id)
      assert.equal(sent.length, id === 'id' ? 1 : 0)
      const [way] = report.findings
      assert.equal(way?.mark, id === none ? 'failed' : 'passed')
      if (id === profiles.claude.documentUrl)
        assert.deepEqual(
          report.findings.slice(1).map(({ check, mark, detail }) => [check, mark, detail]),
          ['register', 'register-answer'].map((check) => [
            check,
            'skipped',
            'the client has a metadata document and registers nowhere',
          ]),
        )
    }
    const client = { id: 'known', secret: 'its secret', redirectUri: '' }
    const { made, sent } = visit({}, { client })
    assert.deepEqual([await register(made), sent], [{ ...client, redirectUri }, []])
  })

  it('and takes an id from a success alone, with the secret, which it never shows', async () => {
    const json = { client_id: 'id', client_secret: 'the secret', token_endpoint_auth_method: 'none' }
    const { made, report } = visit({ json })
    assert.deepEqual(await register(made), {
      id: 'id',
      redirectUri,
      secret: 'the secret',
      authMethod: 'none',
    })
    report.fail('token-code', 'it was sent the secret')
    assert.equal(report.findings.at(-1)?.cause, 'it was sent [hidden]')
    for (const answer of [{ status: 400, json: { client_id: 'id' } }, { json: {} }, { status: 200 }]) {
      const refused = visit(answer)
      assert.equal(await register(refused.made), undefined)
      assert.equal(refused.report.findings.at(-1)?.mark, 'failed')
    }
  })

  it('and warns if any of several redirect URIs is missing in the answer', async () => {
    const json = { client_id: 'id', redirect_uris: ['http://localhost:1234/callback'] }
    const { made, report } = visit({ json }, { profile: profiles.cursor })
    await register(made)
    assert.equal(report.findings.at(-1)?.cause, 'redirect_uris came back changed')
  })

  it('and names the fix that its refusal asks for', async () => {
    const usual = /^Answer 201 with a client_id/
    for (const [profile, status, fix] of [
      [profiles.inspector, 404, /^Serve the endpoint that `registration_endpoint` names/],
      [profiles.inspector, 405, /^Serve the endpoint that `registration_endpoint` names/],
      [profiles.inspector, 401, /^Let clients register without a token/],
      [profiles.inspector, 403, /^Let clients register without a token/],
      [profiles.cursor, 400, /^Allow exactly cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback if/],
      [profiles.cursor, 500, usual],
      [profiles.inspector, 400, usual],
    ] as const) {
      const { made, report } = visit({ status }, { profile })
      await register(made)
      assert.match(report.findings.at(-1)?.fix ?? '', fix, `${profile.title}, ${status}`)
    }
  })
})

describe('doctor, in place of a client whose answers go to its website,', () => {
  it('registers itself, or says why it cannot', async () => {
    const { registrationEndpoint: _none, ...closed } = server
    for (const [answer, facts, expected] of [
      [{}, closed, /^the answers for claude\.ai go to its website, and no other client can register here$/],
      [
        { status: 400, json: { error: 'invalid_client_metadata' } },
        server,
        /got 400 invalid_client_metadata$/,
      ],
      [{ status: 400, json: { client_id: 'id' } }, server, /got 400 /],
    ] as const) {
      const { made } = visit(answer, { profile: profiles.claude })
      const refused = await registerReceiver(made, { server: facts, resource }, 1234)
      assert.match(typeof refused === 'string' ? refused : refused.id, expected)
    }
    const { made, sent } = visit({ json: { client_id: 'id', client_secret: 'the secret' } })
    const asked = { ...resource, scopes: ['one'] }
    assert.deepEqual(await registerReceiver(made, { server, resource: asked }, 1234), {
      id: 'id',
      redirectUri: 'http://127.0.0.1:1234/callback',
      secret: 'the secret',
    })
    assert.partialDeepStrictEqual(sent, [
      { redirect_uris: ['http://127.0.0.1:1234/callback'], scope: 'one', token_endpoint_auth_method: 'none' },
    ])
  })
})
