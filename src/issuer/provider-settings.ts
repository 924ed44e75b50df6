import type { ClientSecret } from './client-secret.ts'

/** Which client we are at a provider, and what we request from it. */
export interface ProviderSettings {
  readonly name: string
  readonly label: string
  readonly issuer: string
  readonly origins: readonly string[]
  readonly clientId: string
  readonly clientSecret: ClientSecret | undefined
  readonly scopes: readonly string[]
  /** Further parameters of the authorization request. */
  readonly parameters: Readonly<Record<string, string>>
  /** Whether the userinfo endpoint has claims that the ID token lacks. */
  readonly userinfo: boolean
  /** Whether users who sign out here are sent to sign out there. */
  readonly endsSession: boolean
  readonly callbackUrl: string
  /** Where the provider sends a browser after the end of its session. */
  readonly afterLogoutUrl: string
}
