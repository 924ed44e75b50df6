import type { AuthorizationServerSettings } from '../settings.ts'
import { jwtBearer } from './jwt-bearer.ts'
import { tokenExchange } from './token-exchange.ts'

/** RFC 8628 section 3.4. */
export const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'

/** The grants that the operator has not turned on. */
export function absentGrants({ grants }: Pick<AuthorizationServerSettings, 'grants'>): ReadonlySet<unknown> {
  return new Set([
    ...(grants.deviceCode ? [] : [deviceCode]),
    ...(grants.tokenExchange ? [] : [tokenExchange]),
    ...(grants.assertionIssuers.length > 0 ? [] : [jwtBearer]),
  ])
}
