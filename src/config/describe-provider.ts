import { withoutUndefined } from '../core/without-undefined.ts'
import { type ProviderClaims, presetAt, presetOf } from './provider-presets.ts'
import type { ProviderConfig } from './schema/provider-schema.ts'

/** A provider with everything that its preset supplies. */
export interface ProviderDescription
  extends Omit<ProviderConfig, 'claims' | 'issuer' | 'scopes' | 'parameters'> {
  readonly name: string
  readonly label: string
  readonly kind: 'openid' | 'github'
  /** Undefined if it is missing. */
  readonly issuer: string | undefined
  readonly scopes: readonly string[]
  readonly parameters: Readonly<Record<string, string>>
  readonly userinfo: boolean
  readonly claims: ProviderClaims
}

/** Fills in what a preset supplies. */
export function describeProvider(config: ProviderConfig): ProviderDescription {
  const preset = presetOf(config.preset)
  const given = withoutUndefined(config.claims)
  return {
    ...config,
    name: config.name ?? config.preset ?? 'provider',
    label: config.label ?? preset.label,
    kind: config.preset === 'github' ? 'github' : 'openid',
    issuer: config.issuer ?? issuerOf(config) ?? preset.issuer,
    scopes: config.scopes ?? preset.scopes,
    parameters: { ...preset.parameters, ...config.parameters },
    userinfo: config.userinfo ?? preset.userinfo,
    claims: { ...preset.claims, ...given },
  }
}

function issuerOf({ preset, tenant }: ProviderConfig): string | undefined {
  return preset === 'entra' && tenant !== undefined
    ? `https://login.microsoftonline.com/${tenant}/v2.0`
    : undefined
}

/** Whether an Entra issuer stands for every directory. */
export function isManyTenants(issuer: string): boolean {
  return /^https:\/\/login\.microsoftonline\.[a-z]+\/(?:common|organizations|consumers)\//.test(issuer)
}

/** The directory (tenant) ID that Microsoft gives to everybody's private accounts. */
const privateAccounts = /^https:\/\/login\.microsoftonline\.[a-z]+\/9188040d-6c67-4c5b-b112-36a304b66dad\//i

/** Whether anyone in the world can have an account at a provider, also where its preset is not named. */
export function isOpenToAll({
  preset,
  issuer = '',
}: Pick<ProviderDescription, 'preset' | 'issuer'>): boolean {
  return presetOf(preset ?? presetAt(issuer)).isOpen || isManyTenants(issuer) || privateAccounts.test(issuer)
}
