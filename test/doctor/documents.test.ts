import { describe, it } from 'node:test'
import type { Visit } from '../../src/doctor/contract.ts'
import { profiles } from '../../src/doctor/profiles.ts'
import { checkCors } from '../../src/doctor/steps/check-cors.ts'
import { findResourceMetadata } from '../../src/doctor/steps/find-resource-metadata.ts'
import { findServerMetadata } from '../../src/doctor/steps/find-server-metadata.ts'
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

const page: Answer = { headers: { 'content-type': 'text/html' } }
const cors = (headers: Readonly<Record<string, string>>): Answer => ({
  headers: { 'access-control-allow-origin': '*', ...headers },
})
const pages: Step = (visit) => checkCors(visit, undefined)
const resourceMetadata: Step = (visit) => findResourceMetadata(visit, undefined)
const serverMetadata: Step = (visit) => findServerMetadata(visit, resource)
const metadataOf = (more: object): Answers => [
  ['/oauth-authorization-server', { json: { issuer: origin, ...more } }],
]
const working = {
  authorization_endpoint: `${origin}/authorize`,
  token_endpoint: `${origin}/token`,
  response_types_supported: ['code'],
}
const documentOf = (more: object): Answer => ({
  json: { resource: `${origin}/mcp`, authorization_servers: [origin], ...more },
})
/** Answers a browser as a server does that treats some of its requests in another way. */
const browser = (special: (method: string, url: string) => Answer | undefined): Partial<Visit> => ({
  async ask(url, { method = 'GET' } = {}) {
    const allow = { 'access-control-allow-headers': 'Authorization, Content-Type, MCP-Protocol-Version' }
    const { headers, ...rest } = special(method, url) ?? cors(allow)
    return { url, status: 200, cookies: [], text: '', headers: headers ?? {}, ...rest }
  },
})
const wholePages: Step = (visit) => checkCors(visit, server)

const rows: readonly Row[] = [
  ['pages that may do everything (N19)', wholePages, {}, /^passed cors-metadata/m, browser(() => undefined)],
  [
    'header names in capitals, as they are usually written (N19)',
    pages,
    {},
    /^passed cors-endpoint/m,
    browser(() => undefined),
  ],
  [
    'pages that may send a token and nothing else (N19)',
    pages,
    cors({ 'access-control-allow-headers': 'authorization' }),
    /^failed cors-endpoint: .* does not allow content-type, mcp-protocol-version$/m,
  ],
  [
    'metadata that pages may not ask for with a revision (N19)',
    wholePages,
    {},
    /^failed cors-metadata: .*\/oauth-authorization-server does not allow mcp-protocol-version$/m,
    browser((method, url) =>
      method === 'OPTIONS' && url.includes('/oauth-authorization-server') ? cors({}) : undefined,
    ),
  ],
  [
    'metadata that pages may ask for and not read (N19)',
    wholePages,
    {},
    /^failed cors-metadata: \S+\/oauth-protected-resource\/mcp answers 200 .*no Access-Control-Allow-Origin/m,
    browser((method, url) =>
      method === 'GET' && url.includes('/oauth-protected-resource') ? { headers: {} } : undefined,
    ),
  ],
  [
    'offline_access in the challenge (D8)',
    (visit) => findResourceMetadata(visit, new Map([['scope', 'a offline_access']])),
    [['/oauth-protected-resource/mcp', documentOf({})]],
    /^warning metadata-offline/m,
  ],
  [
    'metadata of an authorization server behind a redirect within its origin (AM4)',
    serverMetadata,
    [
      ['/oauth-authorization-server', { status: 307, headers: { location: '/as.json' } }],
      ['/as.json', { json: { issuer: origin } }],
    ],
    /^passed server-found: https:/m,
  ],
  [
    'metadata of an authorization server behind a redirect to another origin (AM4)',
    serverMetadata,
    [
      ['/oauth-authorization-server', { status: 307, headers: { location: 'https://b.example/as.json' } }],
      ['/as.json', { json: { issuer: origin } }],
    ],
    /^failed server-found: .*a redirect to https:\/\/b\.example\/as\.json: clients stop here/m,
  ],
  [
    'a document behind a redirect within its origin (D3)',
    resourceMetadata,
    [
      ['/oauth-protected-resource/mcp', { status: 302, headers: { location: '/rs.json' } }],
      ['/rs.json', documentOf({})],
    ],
    /^passed metadata-path.*^passed metadata-resource/ms,
  ],
  [
    'a document that names no authorization server, and another one that does',
    resourceMetadata,
    [
      ['/oauth-protected-resource/mcp', { json: { resource: `${origin}/mcp` } }],
      ['/oauth-protected-resource', documentOf({})],
    ],
    /^passed metadata-servers/m,
  ],
  [
    'a document that names no authorization server, and no other one (D1)',
    resourceMetadata,
    [['/oauth-protected-resource/mcp', { json: { resource: `${origin}/mcp` } }]],
    /^passed metadata-resource[^]*failed metadata-servers: authorization_servers is missing/m,
  ],
  [
    'another resource in a document that names no authorization server (D5)',
    resourceMetadata,
    [['/oauth-protected-resource/mcp', { json: { resource: `${origin}/x` } }]],
    /^failed metadata-resource/m,
  ],
  [
    'a document in the body of an error, and another one that is none',
    resourceMetadata,
    [
      ['/oauth-protected-resource/mcp', { status: 404, ...documentOf({ authorization_servers: [] }) }],
      ['/oauth-protected-resource', documentOf({})],
    ],
    /^passed metadata-servers/m,
  ],
  [
    'a document at the path alone, which no challenge names (D2)',
    (visit) => findResourceMetadata(visit, new Map()),
    [['/oauth-protected-resource/mcp', documentOf({})]],
    /^warning challenge-metadata: .*only newer clients/m,
  ],
  [
    'a page that says that there is nothing (N2)',
    resourceMetadata,
    { ...page, status: 404 },
    /^passed metadata-json/m,
  ],
  [
    'silence where there is no document',
    resourceMetadata,
    { status: 0 },
    /^failed metadata-json: .*clients give up/m,
  ],
  [
    'the origin as the resource, for a client that compares (D5)',
    resourceMetadata,
    [['/oauth-protected-resource', documentOf({ resource: origin })]],
    /^failed metadata-resource/m,
    { profile: profiles.claude },
  ],
  [
    'one URL in an internal network (N30)',
    serverMetadata,
    metadataOf({ ...working, jwks_uri: 'https://10.0.0.7/keys' }),
    /^failed server-hosts: jwks_uri: [^\n]*$/m,
  ],
  [
    'no metadata at all',
    serverMetadata,
    { status: 404 },
    /^failed server-found: \S+\/oauth-authorization-server: 404 .*\/openid-configuration: 404/,
  ],
]

describe('what doctor finds, in documents and as a web page, of', () => {
  for (const row of rows) it(row[0], () => assertFound(row))
})
