import { underAllNames } from '../core/public-keys.ts'
import { withoutUndefined } from '../core/without-undefined.ts'
import { issuerPresetOf, type ResourceHandling, type TokenClaims } from './issuer-presets.ts'
import type { IssuerConfig } from './schema/issuer-schema.ts'

/** An issuer with everything that its preset supplies. */
export interface IssuerDescription
  extends Omit<IssuerConfig, 'issuer' | 'claims' | 'tokenTypes' | 'algorithms'> {
  /** Undefined if it is missing. */
  readonly issuer: string | undefined
  readonly tokenTypes: readonly string[]
  readonly algorithms: readonly string[]
  readonly claims: TokenClaims
  /** The claims that the setting itself names. */
  readonly namedClaims: readonly string[]
  readonly resource: ResourceHandling | undefined
}

/** Fills in what a preset supplies. */
export function describeIssuer(config: IssuerConfig): IssuerDescription {
  const preset = issuerPresetOf(config.preset)
  const given = withoutUndefined(config.claims)
  return {
    ...config,
    issuer: config.issuer ?? preset.issuer,
    tokenTypes: config.tokenTypes ?? preset.tokenTypes,
    algorithms: underAllNames(config.algorithms),
    claims: { ...preset.claims, ...given },
    namedClaims: Object.keys(given),
    resource: preset.resource,
  }
}
