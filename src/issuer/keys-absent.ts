import { errors } from 'jose'

/**
 * Whether verifying a token failed because its issuer's keys were missing, which is not the token's fault.
 * For a bad token, jose throws errors with a code of their own; for an answer that is not a key set, its
 * plain error.
 */
export function areKeysAbsent(error: unknown): boolean {
  return (
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    !(error instanceof errors.JOSEError) ||
    error.code === errors.JOSEError.code
  )
}
