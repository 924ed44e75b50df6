import { errors } from 'jose'
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { reasonOf } from '../core/reason-of.ts'
import { ProviderAway, ProviderRefused } from '../identity/provider-contract.ts'
import { IssuerAway, IssuerInvalid } from './discover-issuer.ts'
import { areKeysAbsent } from './keys-absent.ts'

/** Errors of a token endpoint which mean that a user or a grant is no longer valid. */
const refusals = new Set([
  'invalid_grant',
  'access_denied',
  'interaction_required',
  'login_required',
  'consent_required',
])

/** Failures of the answer itself, which say nothing about a user. */
const unanswered = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
])

/**
 * What went wrong at a provider: ProviderRefused if it said no or proved nothing, ProviderAway if it gave no
 * usable answer.
 */
export function explainFailure(error: unknown): Error {
  if (error instanceof ProviderAway || error instanceof ProviderRefused) return error
  if (error instanceof IssuerAway || error instanceof IssuerInvalid)
    return new ProviderAway(reasonOf(error), { cause: error })
  if (error instanceof AuthorizationResponseError)
    return new ProviderRefused(describe(error), { code: error.error, cause: error })
  if (error instanceof ResponseBodyError) {
    return refusals.has(error.error)
      ? new ProviderRefused(describe(error), { code: error.error, cause: error })
      : new ProviderAway(describe(error), { cause: error })
  }
  // With a challenge, the token endpoint refers to us, its client, and not to a user (RFC 6749 section 5.2).
  if (error instanceof WWWAuthenticateChallengeError) {
    const why = error.status === 401 ? ': it does not take clientId and clientSecret' : ''
    return new ProviderAway(`the answer has the status ${error.status}${why}`, { cause: error })
  }
  if (error instanceof ClientError && error.cause instanceof Response) {
    const { status } = error.cause
    // Some servers say no with only this status, instead of invalid_grant (RFC 6749 section 5.2).
    return status === 400
      ? new ProviderRefused('the answer is 400, without a reason', { cause: error })
      : new ProviderAway(`no answer: ${error.message}, with the status ${status}`, { cause: error })
  }
  if (error instanceof ClientError && error.code !== undefined && !unanswered.has(error.code)) {
    const { cause } = error
    const message = cause instanceof Error ? `${error.message}: ${cause.message}` : error.message
    return new ProviderRefused(message, { cause: error })
  }
  // The keys were read a moment ago, and may have changed since, but are not fetched again so soon.
  const unproven = error instanceof ClientError ? error.cause : error
  if (unproven instanceof errors.JWKSNoMatchingKey)
    return new ProviderAway('the answer is signed with a key that is not known yet', { cause: error })
  if (unproven instanceof errors.JOSEError && !areKeysAbsent(unproven))
    return new ProviderRefused(`the signature of the answer proves nothing: ${unproven.message}`, {
      cause: error,
    })
  return new ProviderAway(`no answer: ${reasonOf(error)}`, { cause: error })
}

/** Runs what may fail at a provider. Throws what `explainFailure` makes of an error. */
export async function orExplain<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw explainFailure(error)
  }
}

function describe({
  error,
  error_description: description,
}: {
  error: string
  error_description?: string | undefined
}) {
  return `the answer is ${JSON.stringify(description === undefined ? error : `${error}: ${description}`)}`
}
