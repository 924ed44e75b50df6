import type { Provider } from 'oidc-provider'
import { jwtBearerGrant, tokenExchangeGrant } from '../../core/grant-types.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { jwtBearerParameters, redeemAssertion } from './jwt-bearer.ts'
import { exchangeToken, tokenExchangeParameters } from './token-exchange.ts'

/**
 * Adds those of our own grant types that the operator has enabled, which also announces them in the metadata.
 */
export function registerGrantTypes(provider: Provider, settings: AuthorizationServerSettings): void {
  const { grants } = settings
  if (grants.tokenExchange) {
    const { all, repeatable } = tokenExchangeParameters
    provider.registerGrantType(tokenExchangeGrant, exchangeToken(provider, settings), all, repeatable)
  }
  if (grants.assertionIssuers.length > 0)
    provider.registerGrantType(jwtBearerGrant, redeemAssertion(provider, settings), jwtBearerParameters)
}
