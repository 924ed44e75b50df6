import { deviceCode, jwtBearer, tokenExchange } from '../../core/grant-types.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

/** The grants that the operator has not enabled. */
export function absentGrants({ grants }: Pick<AuthorizationServerSettings, 'grants'>): ReadonlySet<unknown> {
  return new Set([
    ...(grants.deviceCode ? [] : [deviceCode]),
    ...(grants.tokenExchange ? [] : [tokenExchange]),
    ...(grants.assertionIssuers.length > 0 ? [] : [jwtBearer]),
  ])
}
