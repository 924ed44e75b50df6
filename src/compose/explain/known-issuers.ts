import { describeIssuer, type IssuerDescription } from '../../config/describe-issuer.ts'
import type { Config } from '../../config/schema.ts'
import { type AcceptedTokens, ownTokens, tokensOf } from '../accepted-tokens.ts'

/** An issuer whose tokens are accepted, as configured. */
export interface KnownIssuer extends AcceptedTokens {
  /** Its position in the configuration. */
  readonly path: string
  /** Undefined for the built-in authorization server. */
  readonly description: IssuerDescription | undefined
  readonly algorithms: readonly string[] | undefined
  readonly introspection: { readonly cacheSeconds: number } | undefined
}

/**
 * Every issuer whose tokens a configuration accepts. `within` is the position of the configuration in a
 * larger one.
 */
export function knownIssuers(config: Config, within: string): readonly KnownIssuer[] {
  const { authorizationServer, issuers, publicUrl } = config
  const others = issuers.map(describeIssuer).map((description, index) => {
    const { algorithms, introspection } = description
    return {
      ...tokensOf(description, config),
      path: `${within}issuers[${index}]`,
      description,
      algorithms,
      introspection,
    }
  })
  if (authorizationServer === 'external') return others
  const own = { description: undefined, algorithms: undefined, introspection: undefined }
  return [{ ...ownTokens(publicUrl), path: `${within}authorizationServer: own`, ...own }, ...others]
}
