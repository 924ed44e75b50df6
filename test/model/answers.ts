import assert from 'node:assert/strict'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { TokenAnswer } from '../support/oauth.ts'
import { lifetimes } from './configuration.ts'
import { type AccessToken, type Grant, type Model, noteUse } from './state.ts'

/** Names access tokens in an exchange (RFC 8693 section 3). */
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/** Throws unless an answer of the token endpoint is this error. */
export function isRefused({ status, body }: TokenAnswer, error: string): void {
  const expected = error === 'invalid_client' ? 401 : 400
  assert.deepEqual([status, body.error], [expected, error], JSON.stringify(body))
  assert.equal(body.access_token, undefined)
  assert.equal(body.refresh_token, undefined)
}

type Expected = Omit<AccessToken, 'text' | 'kid' | 'jti' | 'issuedAt' | 'endsAt' | 'revoked'>

/** Throws unless an answer has an access token that says what it must. Adds it to the model. */
export function takeAccessToken(
  model: Model,
  { status, body }: TokenAnswer,
  expected: Expected,
): AccessToken {
  assert.equal(status, 200, JSON.stringify(body))
  const text = body.access_token
  const { sub, aud, scope, client_id: clientId, iat = 0, exp = 0, jti = '' } = decodeJwt(text)
  const { kid = '' } = decodeProtectedHeader(text)
  const { subject, resource, program, grant } = expected
  // An OpenID Connect scope is not for the resource.
  const scopes = expected.scopes.filter((one) => one !== 'openid')
  assert.deepEqual({ sub, aud, clientId }, { sub: subject, aud: resource, clientId: program.oauth.clientId })
  assert.deepEqual(String(scope).split(' ').toSorted(), scopes.toSorted())
  assert.deepEqual(body.scope.split(' ').toSorted(), expected.scopes.toSorted())
  assert.ok(exp - iat <= lifetimes.accessTokenSeconds)
  if (grant !== undefined) assert.ok(exp * 1000 <= grant.endsAt, 'it does not outlive its grant')
  if (expected.origin !== undefined) assert.ok(exp * 1000 <= expected.origin.endsAt, 'nor its origin')
  const token = {
    ...expected,
    scopes,
    text,
    kid,
    jti,
    issuedAt: iat * 1000,
    endsAt: exp * 1000,
    revoked: false,
  }
  model.tokens.push(token)
  return token
}

/** The same for an answer that a grant gives. */
export function takeTokens(model: Model, answer: TokenAnswer, grant: Grant, scopes = grant.scopes): void {
  const { program, person, resource } = grant
  noteUse(program)
  takeAccessToken(model, answer, {
    program,
    resource,
    subject: person.id,
    scopes,
    grant,
    holders: [],
    origin: undefined,
  })
}

/** When the next refresh token of a grant ends, unless it is used. */
export function idleEnd({ endsAt }: Pick<Grant, 'endsAt'>): number {
  return Math.min(endsAt, Date.now() + lifetimes.refreshIdleSeconds * 1000)
}
