import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import type { AuthorizationServerSettings } from '../settings.ts'

type Lifetimes = Pick<AuthorizationServerSettings, 'tokens' | 'clients'>

/**
 * The lifetime of a client's access tokens: the client's own setting, or the first matching profile, or the
 * general one.
 */
export function accessTokenSeconds({ tokens, clients }: Lifetimes, client: Client | undefined): number {
  const known = clients.find(({ id }) => id === client?.clientId)?.accessTokenSeconds
  if (known !== undefined) return known
  const hosts = new Set(client?.redirectUris?.map((uri) => URL.parse(uri)?.hostname))
  const profile =
    hosts.size === 1 ? tokens.profiles.find(({ redirectHost }) => hosts.has(redirectHost)) : undefined
  return profile?.accessTokenSeconds ?? tokens.accessTokenSeconds
}

/** The lifetime of the next access token that a grant gives, in seconds: its own, or until the grant ends. */
export function grantedTokenSeconds(
  settings: Lifetimes,
  { oidc }: KoaContextWithOIDC,
  client: Client | undefined,
): number {
  return withinGrant(accessTokenSeconds(settings, client), oidc)
}

/** The lifetime of the next refresh token, in seconds: as long as it may be idle, or until its grant ends. */
export function refreshTokenSeconds({ tokens }: Lifetimes, { oidc }: KoaContextWithOIDC): number {
  return withinGrant(tokens.refreshIdleSeconds, oidc)
}

/**
 * At least one second: the grant may have ended since the library found it, and the token then ends with it
 * anyway.
 */
function withinGrant(seconds: number, { entities }: KoaContextWithOIDC['oidc']): number {
  return Math.max(1, Math.min(seconds, entities.Grant?.remainingTTL ?? seconds))
}
