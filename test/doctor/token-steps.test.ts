import { describe, it } from 'node:test'
import type { ServerFacts, Tokens } from '../../src/doctor/contract.ts'
import { askForMore } from '../../src/doctor/steps/ask-for-more.ts'
import { awaitApproval } from '../../src/doctor/steps/await-approval.ts'
import { meetUnknownClient } from '../../src/doctor/steps/meet-unknown-client.ts'
import { openLogin } from '../../src/doctor/steps/open-login.ts'
import { redeemCode, redeemTwice } from '../../src/doctor/steps/redeem-code.ts'
import { refreshTokens } from '../../src/doctor/steps/refresh-tokens.ts'
import { refuseWrongRedirect } from '../../src/doctor/steps/refuse-wrong-redirect.ts'
import { registerClient } from '../../src/doctor/steps/register-client.ts'
import {
  type Answer,
  assertFound,
  client,
  origin,
  type Row,
  request,
  resource,
  type Step,
  server,
} from '../support/doctor-step.ts'

const challenge = (value: string, status = 401): Answer => ({
  status,
  headers: { 'www-authenticate': value },
})
const page: Answer = { headers: { 'content-type': 'text/html' } }
const tokens: Tokens = { accessToken: 'a-token', refreshToken: 'refresh' }
const redeeming = { server, resource, client, code: 'code', verifier: 'v' }
const refresh: Step = (visit) => refreshTokens(visit, { server, resource, client }, tokens)
const approval =
  (answer: string, facts: Partial<ServerFacts> = {}): Step =>
  (visit) =>
    awaitApproval(visit, {
      request,
      client,
      server: { ...server, ...facts },
      listener: { port: 1, answer: async () => new URLSearchParams(answer), close: () => undefined },
      waitMs: 1,
    })
const register: Step = (visit) =>
  registerClient(visit, { server, resource, redirectUri: client.redirectUri, ways: ['dynamic'] })
const step: Step = (visit) => askForMore(visit, { token: 'a' })
const login: Step = (visit) => openLogin(visit, request, client)

const tokenFor = (aud: string): string =>
  `e30.${Buffer.from(JSON.stringify({ aud })).toString('base64url')}.x`

const rows: readonly Row[] = [
  [
    'a client that is already known',
    register,
    {},
    /^passed registration-way: a client id was given$/,
    { client },
  ],
  [
    'an unknown client',
    (visit) => meetUnknownClient(visit, server),
    { status: 400 },
    /^warning client-unknown/,
  ],
  [
    'an unknown client that is refused by another name',
    (visit) => meetUnknownClient(visit, server),
    { status: 400, json: { error: 'invalid_client' } },
    /^warning client-unknown/,
  ],
  [
    'an unknown client that is refused for something else',
    (visit) => meetUnknownClient(visit, server),
    { status: 401, json: { error: 'unauthorized' } },
    /^warning client-unknown/,
  ],
  [
    'a login without PKCE that ends at an error page (P1)',
    login,
    { status: 400, headers: { 'content-type': 'text/html' } },
    /^passed login-pkce/m,
  ],
  [
    'a token for another server',
    (visit) => redeemCode(visit, redeeming),
    { status: 200, json: { access_token: tokenFor('https://other.example.com/mcp'), token_type: 'Bearer' } },
    /^warning token-audience: the token has the audience https:\/\/other\.example\.com\/mcp, not /m,
  ],
  [
    'a token for another server, where neither is named by a URL',
    (visit) => redeemCode(visit, { ...redeeming, resource: { ...resource, resource: 'urn:here' } }),
    { status: 200, json: { access_token: tokenFor('urn:elsewhere'), token_type: 'Bearer' } },
    /^warning token-audience: the token has the audience urn:elsewhere, not urn:here/m,
  ],
  [
    'a code that breaks the server',
    (visit) => redeemTwice(visit, redeeming),
    { status: 500 },
    /^warning code-once/,
  ],
  [
    'tokens without a type (T1)',
    (visit) => redeemCode(visit, redeeming),
    { json: { access_token: 'a' } },
    /failed token-code: token_type is missing/,
  ],
  [
    'an error that has a token',
    (visit) => redeemCode(visit, redeeming),
    { status: 400, json: { access_token: 'a', token_type: 'Bearer' } },
    /^failed token-code: the token endpoint answers/,
  ],
  [
    'a success without a token',
    (visit) => redeemCode(visit, redeeming),
    { json: { token_type: 'Bearer' } },
    /^failed token-code: the token endpoint answers 200/,
  ],
  [
    'a refresh without a token (T5)',
    refresh,
    { json: {} },
    /^failed refresh: the token endpoint answers 200/,
  ],
  [
    'a refresh without a refresh token, so that the old one goes on (T3)',
    refresh,
    { json: { access_token: 'b' } },
    /^failed refresh-rotation: the same refresh token keeps working/m,
  ],
  [
    'tokens of a type in small letters (T1)',
    (visit) => redeemCode(visit, redeeming),
    { json: { access_token: 'a', token_type: 'bearer' } },
    /^passed token-code/m,
  ],
  [
    'an error that has a token, at a refresh (T5)',
    refresh,
    { status: 400, json: { access_token: 'b', refresh_token: 'new' } },
    /^failed refresh: the token endpoint answers/,
  ],
  [
    'no refresh token (T5)',
    (visit) => refreshTokens(visit, { server, resource, client }, { accessToken: 'a' }),
    {},
    /^warning refresh: no refresh token came/,
  ],
  [
    'a new access token that is refused (T5)',
    refresh,
    [
      ['/token', { json: { access_token: 'b', refresh_token: 'new' } }],
      ['/mcp', { status: 401 }],
    ],
    /failed refresh: it gives an access token, but/,
  ],
  [
    'a refresh token that a secret protects (T3)',
    (visit) => refreshTokens(visit, { server, resource, client: { ...client, secret: 'secret' } }, tokens),
    { json: { access_token: 'b', refresh_token: 'refresh' } },
    /skipped refresh-rotation/,
  ],
  ['a call that is refused for no scope (V8)', step, { status: 400 }, /^skipped step-up/],
  [
    'a step-up without the scope (V8)',
    step,
    challenge('Bearer error="insufficient_scope", resource_metadata="x"', 403),
    /^warning step-up: the challenge lacks scope$/m,
  ],
  [
    'an answer that is an error',
    approval('error=access_denied&state=the-state'),
    {},
    /failed login-answer: .*access_denied/,
  ],
  [
    'an answer that says nothing',
    approval('state=the-state'),
    {},
    /failed login-answer: .*neither a code nor/,
  ],
  [
    '`iss` that is not announced (AM7)',
    approval(`code=c&state=the-state&iss=${origin}`),
    {},
    /^warning login-issuer: `iss` is sent, but/,
  ],
  [
    'no `iss`, as announced (P6)',
    approval('code=c&state=the-state'),
    {},
    /^warning login-issuer: the answer has no/,
  ],
  ['a login page that can be framed', login, page, /warning login-frame/],
  [
    'a login page with X-Frame-Options',
    login,
    { headers: { 'x-frame-options': 'DENY' } },
    /passed login-frame/,
  ],
  [
    'a login page with frame-ancestors',
    login,
    { headers: { 'content-security-policy': "frame-ancestors 'none'" } },
    /passed login-frame/,
  ],
  ...[
    { 'content-security-policy': 'frame-ancestors *', 'x-frame-options': 'DENY' },
    { 'content-security-policy': "frame-ancestors 'self' https:; default-src 'none'" },
    { 'x-frame-options': 'ALLOWALL' },
  ].map(
    (headers): Row => [
      `a login page that anybody may frame: ${Object.values(headers).join(', ')}`,
      login,
      { headers },
      /warning login-frame: what the page says lets anybody/,
    ],
  ),
  [
    'a login page that one of two policies guards',
    login,
    { headers: { 'content-security-policy': "frame-ancestors *, frame-ancestors 'self'" } },
    /passed login-frame/,
  ],
  [
    'a login that is none',
    login,
    { status: 302, headers: { location: `${client.redirectUri}?code=c` } },
    /warning login-page: the user was sent back at once/,
  ],
  [
    'a login that sends back an error',
    login,
    { status: 302, headers: { location: `${client.redirectUri}?error=invalid_scope` } },
    /failed login-page: the user was sent back with invalid_scope/,
  ],
  [
    'a login elsewhere',
    login,
    { status: 302, headers: { location: 'https://idp.example/login' } },
    /passed login-page: leads to https:\/\/idp\.example.*skipped login-frame/s,
  ],
  [
    'a wrong redirect URI that leads to a page (P3)',
    (visit) => refuseWrongRedirect(visit, request),
    page,
    /^warning redirect-wrong/,
  ],
  ['a registration for those with a token', register, { status: 403 }, /failed register: /],
  [
    'a registration that loses redirect URIs (N12)',
    register,
    { status: 201, json: { client_id: 'one', redirect_uris: ['https://other.example/'] } },
    /warning register-answer: redirect_uris came back changed/,
  ],
  [
    'a registration that says little',
    register,
    { status: 201, json: { client_id: 'one' } },
    /passed register-answer/,
  ],
]

describe('what doctor finds, once it is a client, of', () => {
  for (const row of rows) it(row[0], () => assertFound(row))
})
