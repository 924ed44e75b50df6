import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { issuerPresetOf } from '../../src/config/issuer-presets.ts'
import { describeAbilities, judgeIssuer } from '../../src/issuer/judge-issuer.ts'

const able = {
  issuer: 'https://x.example',
  code_challenge_methods_supported: ['plain', 'S256'],
  registration_endpoint: 'https://x.example/register',
  client_id_metadata_document_supported: true,
  authorization_response_iss_parameter_supported: true,
  scopes_supported: ['openid', 'offline_access'],
}

/** The line about something, of an issuer with this metadata in place of what it could say. */
function lineOf(about: string, metadata: object, resource?: Parameters<typeof judgeIssuer>[1]): string {
  const lines = describeAbilities('x', judgeIssuer({ ...able, ...metadata }, resource))
  return lines.find((line) => line.includes(about)) ?? assert.fail(about)
}

const none = { registration_endpoint: undefined, client_id_metadata_document_supported: undefined }

describe('what an issuer can do for MCP clients (N5, N7)', () => {
  for (const [about, metadata, line] of [
    ['PKCE', {}, /: yes$/],
    [
      'PKCE',
      { code_challenge_methods_supported: undefined },
      /: no; clients refuse a server that does not: have Portcullis/,
    ],
    ['PKCE', { code_challenge_methods_supported: ['plain'] }, /: no; clients refuse/],
    ['PKCE', { code_challenge_methods_supported: 'S256' }, /: no; clients refuse/],
    ['RFC 7591', {}, /: yes$/],
    [
      'RFC 7591',
      { registration_endpoint: undefined },
      /: no; clients of revisions before 2025-11-25 need a client that/,
    ],
    ['RFC 7591', none, /: no; register a client for each program/],
    ['metadata documents', {}, /: yes$/],
    [
      'metadata documents',
      { client_id_metadata_document_supported: 'true' },
      /: no; clients register themselves/,
    ],
    ['metadata documents', none, /: no; no client gets in by itself: have Portcullis/],
    ['RFC 9207', {}, /: yes$/],
    [
      'RFC 9207',
      { authorization_response_iss_parameter_supported: undefined },
      /: no; .* no defence against mix-up/,
    ],
    ['refresh tokens', {}, /: yes$/],
    ['refresh tokens', { scopes_supported: [], grant_types_supported: ['refresh_token'] }, /: yes$/],
    ['refresh tokens', { scopes_supported: undefined }, /: no; users may have to sign in again/],
  ] as const)
    it(`${about}: ${JSON.stringify(metadata)}: ${line.source}`, () =>
      assert.match(lineOf(about, metadata), line))

  for (const [preset, line] of [
    [undefined, /: not told; where it refuses the parameter, clients fail; where it ignores it, set issuers/],
    ['entra', /: no; it refuses the parameter.*login\.providers/],
    ['keycloak', /: not told; it ignores the parameter without the feature resource-indicators/],
    ['auth0', /: not told; it ignores the parameter without the Resource Parameter Compatibility Profile/],
    ['okta', /: no; it ignores the parameter: set issuers\[\]\.audiences/],
    ['google', /: no; it ignores the parameter/],
  ] as const)
    it(`the parameter resource, of the preset ${preset}`, () =>
      assert.match(lineOf('RFC 8707', {}, issuerPresetOf(preset).resource), line))
})
