import { deviceCodeGrant, jwtBearerGrant, tokenExchangeGrant } from '../../core/grant-types.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

/** The grants that the operator has not enabled. */
export function absentGrants({ grants }: Pick<AuthorizationServerSettings, 'grants'>): ReadonlySet<unknown> {
  return new Set([
    ...(grants.deviceCode ? [] : [deviceCodeGrant]),
    ...(grants.tokenExchange ? [] : [tokenExchangeGrant]),
    ...(grants.assertionIssuers.length > 0 ? [] : [jwtBearerGrant]),
  ])
}
