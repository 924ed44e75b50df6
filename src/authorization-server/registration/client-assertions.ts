import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { epochSeconds } from '../../core/clock.ts'
import { errors } from '../library/library.ts'
import { type RequestLimit, requestLimit } from '../requests/request-limits.ts'
import { slowDown } from '../requests/slow-down.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { operatorClientField } from './client-fields.ts'

type AssertionSettings = Pick<AuthorizationServerSettings, 'rateLimit' | 'requestLimits' | 'clock'>

/**
 * The id of an assertion is kept until the assertion expires, which need not be much longer than a request
 * takes.
 */
const longestSeconds = 3600

/**
 * Checks what the library leaves open about an assertion that it has verified (RFC 7523 section 3), before
 * its id is stored:
 * - it expires at a whole second, within an hour;
 * - assertions of clients that anyone can create are limited, per network and in total, like other requests
 *   that are stored.
 * Throws InvalidClientAuth, and `temporarily_unavailable` if there are too many.
 */
export function checkClientAssertion(
  settings: AssertionSettings,
): NonNullable<Configuration['assertJwtClientAuthClaimsAndHeader']> {
  const assertions = countedAssertions(settings)
  return async ({ req }, { exp }, _header, client) => {
    if (!Number.isSafeInteger(exp) || Number(exp) > epochSeconds(settings.clock) + longestSeconds)
      throw new errors.InvalidClientAuth('the assertion must end at a whole second, within an hour')
    if (client[operatorClientField] === true) return
    const wait = await assertions.take(req)
    if (wait > 0) throw slowDown(429, 'too many assertions at the moment', wait)
  }
}

/**
 * Does not count an assertion that led to tokens: a user has approved its client, which may serve many users.
 */
export function forgiveClientAssertion(
  settings: AssertionSettings,
): (context: KoaContextWithOIDC) => Promise<void> {
  const assertions = countedAssertions(settings)
  return async ({ req, status, oidc: { client, params } }) => {
    if (status !== 200 || params?.['client_assertion'] === undefined) return
    if (client !== undefined && client[operatorClientField] !== true) await assertions.forgive(req)
  }
}

function countedAssertions(settings: AssertionSettings): RequestLimit {
  return requestLimit(settings, 'assertions')
}
