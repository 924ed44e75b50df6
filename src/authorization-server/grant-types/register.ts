import type { Provider } from 'oidc-provider'
import { jwtBearer, tokenExchange } from '../../core/grant-types.ts'
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
    provider.registerGrantType(tokenExchange, exchangeToken(provider, settings), all, repeatable)
  }
  if (grants.assertionIssuers.length > 0)
    provider.registerGrantType(jwtBearer, redeemAssertion(provider, settings), jwtBearerParameters)
}
