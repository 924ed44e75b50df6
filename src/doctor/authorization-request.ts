import { digest, randomToken } from '../core/secret.ts'
import type { OAuthClient, ResourceFacts, ServerFacts } from './contract.ts'
import type { ClientProfile } from './profile.ts'

/** One authorization request, with the values that only the client knows. */
export interface AuthorizationRequest {
  readonly url: string
  readonly state: string
  readonly verifier: string
}

/** Writes an authorization request as a client would (RFC 6749 section 4.1.1, RFC 7636, RFC 8707). */
export function authorizationRequest(
  profile: ClientProfile,
  { client, server, resource }: { client: OAuthClient; server: ServerFacts; resource: ResourceFacts },
): AuthorizationRequest {
  const [state, verifier] = [randomToken(), randomToken()]
  const offline = profile.asksOfflineAccess && server.scopes.includes('offline_access')
  const scopes = offline ? [...new Set([...resource.scopes, 'offline_access'])] : resource.scopes
  const url = new URL(server.authorizationEndpoint)
  const parameters = {
    response_type: 'code',
    client_id: client.id,
    code_challenge: digest(verifier),
    code_challenge_method: 'S256',
    redirect_uri: client.redirectUri,
    state,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(offline ? { prompt: 'consent' } : {}),
    ...(profile.sendsResource ? { resource: resource.resource } : {}),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return { url: url.href, state, verifier }
}

/** The same request with parameters changed, or removed if undefined. */
export function changed(url: string, changes: Readonly<Record<string, string | undefined>>): string {
  const copy = new URL(url)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) copy.searchParams.delete(name)
    else copy.searchParams.set(name, value)
  }
  return copy.href
}
