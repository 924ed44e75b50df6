import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { errors } from 'jose'
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { ProviderAway, ProviderRefused } from '../../src/identity/provider-contract.ts'
import { IssuerAway, IssuerInvalid } from '../../src/issuer/discover-issuer.ts'
import { explainFailure } from '../../src/issuer/explain-failure.ts'

const answer = (status: number): Response => new Response(null, { status })
const bodyError = (error: string): Error =>
  new ResponseBodyError('', { cause: { error, error_description: 'so it is' }, response: answer(400) })
const challengeError = (status: number): Error =>
  new WWWAuthenticateChallengeError('', { cause: [], response: answer(status) })
const clientError = (message: string, code?: string, cause?: unknown): Error =>
  Object.assign(new ClientError(message), { code, cause })

describe('what went wrong at a provider (A65)', () => {
  const said: [string, Error, RegExp][] = [
    [
      'an error of the browser',
      new AuthorizationResponseError('', { cause: new URLSearchParams({ error: 'access_denied' }) }),
      /"access_denied"/,
    ],
    [
      'a grant that is none any more',
      bodyError('invalid_grant'),
      /^the answer is "invalid_grant: so it is"$/,
    ],
    ...['access_denied', 'interaction_required', 'login_required', 'consent_required'].map(
      (error): [string, Error, RegExp] => [error, bodyError(error), new RegExp(`"${error}: so it is"`)],
    ),
    [
      '400 without a reason',
      clientError('unexpected', 'OAUTH_RESPONSE_IS_NOT_CONFORM', answer(400)),
      /400, without a reason/,
    ],
    [
      'an ID token that proves nothing',
      clientError('wrong nonce', 'OAUTH_JWT_CLAIM_COMPARISON_FAILED', new Error('n')),
      /^wrong nonce: n$/,
    ],
    [
      'the same without a cause',
      clientError('wrong nonce', 'OAUTH_JWT_CLAIM_COMPARISON_FAILED'),
      /^wrong nonce$/,
    ],
    [
      'a signature of none of its keys',
      new errors.JWSSignatureVerificationFailed(),
      /^the signature of the answer proves nothing: /,
    ],
    [
      'the same of signed userinfo',
      clientError('something', undefined, new errors.JWSSignatureVerificationFailed()),
      /^the signature of the answer proves nothing: /,
    ],
    ['a refusal that is known as one', new ProviderRefused('no'), /^no$/],
  ]
  for (const [what, error, message] of said)
    it(`is that it said no: ${what}`, () => {
      const explained = explainFailure(error)
      assert.ok(explained instanceof ProviderRefused)
      assert.match(explained.message, message)
    })

  const unsaid: [string, unknown, RegExp][] = [
    ['an error that is about us', bodyError('invalid_client'), /"invalid_client: so it is"/],
    [
      'a challenge, which is about us',
      challengeError(401),
      /the status 401: it does not take clientId and clientSecret/,
    ],
    ['a challenge with another status', challengeError(503), /the status 503/],
    ...[
      'OAUTH_PARSE_ERROR',
      'OAUTH_RESPONSE_IS_NOT_JSON',
      'OAUTH_RESPONSE_IS_NOT_CONFORM',
      'OAUTH_TIMEOUT',
      'OAUTH_ABORT',
    ].map((code): [string, Error, RegExp] => [code, clientError('no JSON', code), /^no answer: no JSON$/]),
    [
      '500 without a reason',
      clientError('unexpected', 'OAUTH_RESPONSE_IS_NOT_CONFORM', answer(500)),
      /^no answer/,
    ],
    ['a failure without a code', clientError('lost'), /^no answer: lost$/],
    ['a connection that failed', new TypeError('fetch failed'), /^no answer: fetch failed$/],
    [
      'one that failed with a code',
      Object.assign(new Error('connect'), { code: 'ECONNREFUSED', cause: answer(400) }),
      /^no answer: connect$/,
    ],
    ['what is no error at all', 'gone', /^no answer: gone$/],
    ['a key that is not known yet', new errors.JWKSNoMatchingKey(), /a key that is not known yet/],
    ['keys that do not come', new errors.JWKSTimeout(), /^no answer/],
    ['keys that are none', new errors.JWKSInvalid('no keys'), /^no answer: no keys$/],
    ['an error instead of keys', new errors.JOSEError('Expected 200 OK'), /^no answer: Expected 200 OK$/],
    ['an issuer that does not answer', new IssuerAway('it is away'), /^it is away$/],
    ['an issuer that is none', new IssuerInvalid('it is none'), /^it is none$/],
    ['an absence that is known as one', new ProviderAway('away'), /^away$/],
  ]
  for (const [what, error, message] of unsaid)
    it(`is that it gave no answer, which says nothing about a person: ${what}`, () => {
      const explained = explainFailure(error)
      assert.ok(explained instanceof ProviderAway)
      assert.match(explained.message, message)
    })

  it('shows to nobody who prints it the credential that came before the silence', () => {
    const away = new ProviderAway('away', { credential: 'rt-secret' })
    assert.equal(away.credential, 'rt-secret')
    assert.doesNotMatch(inspect(away, { showHidden: true }) + JSON.stringify(away), /rt-secret/)
  })
})
