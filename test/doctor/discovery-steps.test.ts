import { describe, it } from 'node:test'
import { profiles } from '../../src/doctor/profiles.ts'
import { checkAddress } from '../../src/doctor/steps/check-address.ts'
import { checkCors } from '../../src/doctor/steps/check-cors.ts'
import { findResourceMetadata } from '../../src/doctor/steps/find-resource-metadata.ts'
import { findServerMetadata } from '../../src/doctor/steps/find-server-metadata.ts'
import { readChallenge } from '../../src/doctor/steps/read-challenge.ts'
import { refuseForgedToken } from '../../src/doctor/steps/refuse-forged-token.ts'
import { tryOriginEndpoints } from '../../src/doctor/steps/try-origin-endpoints.ts'
import {
  type Answer,
  type Answers,
  assertFound,
  origin,
  type Row,
  resource,
  type Step,
  server,
} from '../support/doctor-step.ts'

const challenge = (value: string, status = 401): Answer => ({
  status,
  headers: { 'www-authenticate': value },
})
const page: Answer = { headers: { 'content-type': 'text/html' } }
const opened: Answer = { json: { jsonrpc: '2.0', id: 1, result: {} } }
const cors = (headers: Readonly<Record<string, string>>): Answer => ({
  headers: { 'access-control-allow-origin': '*', ...headers },
})
const pages: Step = (visit) => checkCors(visit, undefined)
const challengeStep: Step = (visit) => readChallenge(visit)
const resourceMetadata: Step = (visit) => findResourceMetadata(visit, undefined)
const serverMetadata: Step = (visit) => findServerMetadata(visit, resource)
const metadataOf = (more: object): Answers => [
  ['/oauth-authorization-server', { json: { issuer: origin, ...more } }],
]
const resourceOf = (named: string): Answers => [
  ['/oauth-protected-resource/mcp', { json: { resource: named, authorization_servers: [origin] } }],
]

const endpoints = { authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token` }
const working = { ...endpoints, response_types_supported: ['code'] }

const keysAre = (answer: Answer): Answers => [
  ['/oauth-authorization-server', { json: { issuer: origin, ...working, jwks_uri: `${origin}/keys` } }],
  ['/keys', answer],
]

const rows: readonly Row[] = [
  ['a refusal that asks for no sign-in (V5)', challengeStep, { status: 403 }, /only on a 401/],
  [
    'no document and no challenge',
    resourceMetadata,
    { status: 404 },
    /^(?!.*challenge-metadata).*warning metadata-root/s,
  ],
  [
    'no document for a challenge that names none (D2)',
    (visit) => findResourceMetadata(visit, new Map()),
    { status: 404 },
    /failed challenge-metadata: .*and no well-known address has the document/,
  ],
  [
    'an authorization server in an internal network (N30)',
    resourceMetadata,
    [['/oauth-protected-resource/mcp', { json: { authorization_servers: ['https://10.0.0.7/'] } }]],
    /failed metadata-hosts: authorization_servers: .*internal network[^\n]*$/,
  ],
  [
    'metadata without an endpoint, of which nothing more is asked',
    serverMetadata,
    metadataOf({ ...working, token_endpoint: undefined }),
    /^(?!.*server-keys).*failed server-endpoints: missing: token_endpoint$/s,
  ],
  [
    'metadata without the response type `code`',
    serverMetadata,
    metadataOf(endpoints),
    /failed server-endpoints: response_types_supported has no.*skipped server-keys/s,
  ],
  [
    'metadata without offline_access',
    serverMetadata,
    metadataOf(working),
    /warning server-offline.*passed server-endpoints/s,
  ],
  [
    'keys that are not there',
    serverMetadata,
    metadataOf({ ...working, jwks_uri: `${origin}/none` }),
    /failed server-keys: .* answers 404/,
  ],
  ['plain http', checkAddress, {}, /^failed address/, { endpoint: new URL('http://mcp.example.com/mcp') }],
  [
    'plain http on this computer',
    checkAddress,
    {},
    /^passed address/,
    { endpoint: new URL('http://[::1]/') },
  ],
  ['https', checkAddress, {}, /^passed address/],
  [
    'pages that may read every header (N19)',
    pages,
    cors({ 'access-control-expose-headers': '*' }),
    /passed cors-challenge/,
  ],
  [
    'pages that may read one of several headers (N19)',
    pages,
    cors({ 'access-control-expose-headers': 'X-One, WWW-Authenticate' }),
    /passed cors-challenge/,
  ],
  [
    'pages that may read another header (N19)',
    pages,
    cors({ 'access-control-expose-headers': 'X-WWW-Authenticate' }),
    /failed cors-challenge: .* does not expose/,
  ],
  [
    'an asterisk, which does not include a token (N19)',
    pages,
    cors({ 'access-control-allow-headers': '*' }),
    /failed cors-endpoint: .* does not allow authorization$/m,
  ],
  [
    'pages of another origin (N19)',
    pages,
    { headers: { 'access-control-allow-origin': 'https://other.example' } },
    /failed cors-endpoint: .*Access-Control-Allow-Origin https:\/\/other\.example to the origin/,
  ],
  [
    'a server without registration, for pages (N19)',
    (visit) => {
      const { registrationEndpoint: _none, ...rest } = server
      return checkCors(visit, rest)
    },
    cors({}),
    /skipped cors-register/,
  ],
  [
    'a challenge of another scheme (V6)',
    challengeStep,
    challenge('Basic realm="x"'),
    /failed challenge-header: no challenge/,
  ],
  [
    'an error without a token',
    challengeStep,
    challenge('Bearer error="invalid_token"'),
    /warning challenge-header/,
  ],
  ['a challenge', challengeStep, challenge('Bearer resource_metadata="x"'), /passed challenge-header/],
  [
    'a forged token that is refused without a reason (V5)',
    refuseForgedToken,
    challenge('Bearer realm="x"'),
    /warning token-forged-challenge: the challenge lacks error="invalid_token" and resource_metadata/,
  ],
  [
    'a forged token whose refusal lacks one thing (V5)',
    refuseForgedToken,
    challenge('Bearer error="invalid_token"'),
    /warning token-forged-challenge: the challenge lacks resource_metadata$/,
  ],
  [
    'a forged token that gets 403 (V5)',
    refuseForgedToken,
    { status: 403 },
    /failed token-forged: .*no client starts/,
  ],
  [
    'a forged token that is let in at first (V5)',
    refuseForgedToken,
    opened,
    /failed token-forged: .*any text is accepted/,
  ],
  [
    'endpoints at the origin (N3)',
    tryOriginEndpoints,
    { status: 400 },
    /^passed origin-endpoints/,
    { profile: profiles.claude },
  ],
  [
    'a breakdown where there is no document (AM4)',
    resourceMetadata,
    { status: 500 },
    /failed metadata-json: .*clients give up/,
  ],
  [
    'a demand for a token where there is no document',
    resourceMetadata,
    { status: 401 },
    /failed metadata-json: .*some clients stop/,
  ],
  [
    'a `resource` with a slash at the end (D5)',
    resourceMetadata,
    resourceOf(`${origin}/mcp/`),
    /failed metadata-resource: .*mind the trailing slash/,
    { profile: profiles.claude },
  ],
  [
    'a `resource` in another spelling (D5)',
    resourceMetadata,
    resourceOf('https://MCP.example.com:443/mcp'),
    /warning metadata-resource: .*only the spelling differs/,
  ],
  [
    'PKCE without S256 (AM6)',
    serverMetadata,
    metadataOf({ code_challenge_methods_supported: ['plain'] }),
    /failed server-pkce: .*has no S256/,
  ],
  [
    'metadata for clients with secrets alone',
    serverMetadata,
    metadataOf({}),
    /warning server-public: .* is missing/,
  ],
  [
    'metadata that lists only ways with a secret',
    serverMetadata,
    metadataOf({ token_endpoint_auth_methods_supported: ['client_secret_basic'] }),
    /warning server-public: .*has no `none`/,
  ],
  ['a page in place of metadata (N2)', serverMetadata, page, /failed server-found: .*clients stop here/],
  [
    'a gateway that is away, after which clients look further (AM4)',
    serverMetadata,
    [
      ['/oauth-authorization-server', { status: 502 }],
      ['/openid-configuration', { json: { issuer: origin } }],
    ],
    /^passed server-found/,
  ],
  [
    'a bad request, after which clients look further (AM4)',
    serverMetadata,
    [
      ['/oauth-authorization-server', { status: 400 }],
      ['/openid-configuration', { json: { issuer: origin } }],
    ],
    /^passed server-found/,
  ],
  [
    'keys of which one is private',
    serverMetadata,
    keysAre({ json: { keys: [{ kty: 'EC' }, { kty: 'EC', d: 'x' }, null, 'x'] } }),
    /failed server-keys: the published set has a key with its private part/,
  ],
  [
    'keys that come with an error',
    serverMetadata,
    keysAre({ status: 500, json: { keys: [] } }),
    /failed server-keys/,
  ],
  ['keys that are none', serverMetadata, keysAre({ json: {} }), /failed server-keys: \S+\/keys answers 200/],
  [
    'keys that are public',
    serverMetadata,
    keysAre({ json: { keys: [{ kty: 'EC' }] } }),
    /passed server-keys/,
  ],
  [
    'a document at the root alone, which no challenge names (D2)',
    (visit) => findResourceMetadata(visit, new Map()),
    [['/oauth-protected-resource', { json: { resource: origin, authorization_servers: [origin] } }]],
    /warning challenge-metadata: .*only newer clients find the document/,
  ],
  [
    'the origin as the resource of a document at the root (D2)',
    resourceMetadata,
    [['/oauth-protected-resource', { json: { resource: origin, authorization_servers: [origin] } }]],
    /passed metadata-resource/,
  ],
  [
    'another resource in a document at the root',
    resourceMetadata,
    [['/oauth-protected-resource', { json: { resource: `${origin}/x`, authorization_servers: [origin] } }]],
    /failed metadata-resource/,
  ],
  [
    'the origin as the resource of a document about a path',
    resourceMetadata,
    resourceOf(origin),
    /failed metadata-resource/,
  ],
]

describe('what doctor finds, before anybody signs in, of', () => {
  for (const row of rows) it(row[0], () => assertFound(row))
})
