import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import type { AuthorizationServerSettings } from './settings.ts'

type Lifetimes = Pick<AuthorizationServerSettings, 'tokens' | 'clients'>

/** How long an access token of a client lives: as the client says, or the first profile that fits, or as all others. */
export function accessTokenSeconds({ tokens, clients }: Lifetimes, client: Client | undefined): number {
  const known = clients.find(({ id }) => id === client?.clientId)?.accessTokenSeconds
  if (known !== undefined) return known
  const hosts = new Set(client?.redirectUris?.map((uri) => URL.parse(uri)?.hostname))
  const profile =
    hosts.size === 1 ? tokens.profiles.find(({ redirectHost }) => hosts.has(redirectHost)) : undefined
  return profile?.accessTokenSeconds ?? tokens.accessTokenSeconds
}

/**
 * How long the next refresh token lives, in seconds: until it has lain unused for too long, or its grant ends. One or more,
 * since the grant may have ended after the library looked; the token then ends with it all the same.
 */
export function refreshTokenSeconds({ tokens }: Lifetimes, { oidc }: KoaContextWithOIDC): number {
  const left = oidc.entities.Grant?.remainingTTL ?? tokens.refreshAbsoluteSeconds
  return Math.max(1, Math.min(tokens.refreshIdleSeconds, left))
}
