import { errors } from 'jose'

/**
 * Says whether verifying a token failed for want of its issuer's keys, which is no fault of the token. What jose throws of
 * a token has a code of its own; of an answer that is no key set it throws its plain error.
 */
export function areKeysAbsent(error: unknown): boolean {
  return (
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    !(error instanceof errors.JOSEError) ||
    error.code === errors.JOSEError.code
  )
}
