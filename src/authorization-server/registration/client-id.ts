import { isLoopbackHost } from '../../core/resource.ts'
import { randomToken, typeableId } from '../../core/secret.ts'
import { canonicalJson } from './canonical-json.ts'
import type { ClientMetadata } from './client-metadata.ts'

const withoutSecret: ReadonlySet<unknown> = new Set(['none', 'private_key_jwt'])

/**
 * The defaults of a client that does not state them. Clients that do have had these in their ids since the
 * first version.
 */
export const registrationDefaults = {
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code' as const],
}

/**
 * The id of a client that registers. One without a secret gets the same id for the same metadata, in any
 * order, with any loopback port, and with or without the defaults: so programs that register at every start
 * do not fill the store, and one whose registration was lost comes back under its old id. `digest` is a keyed
 * one. A client with a secret gets a new id each time, since its secret is its own.
 */
export function registeredClientId(digest: (value: string) => string, metadata: ClientMetadata): string {
  if (!withoutSecret.has(metadata['token_endpoint_auth_method'])) return typeableId(randomToken(16))
  const redirects = metadata['redirect_uris']
  const anyPort = metadata['application_type'] === 'native' && Array.isArray(redirects)
  const known = {
    ...registrationDefaults,
    ...metadata,
    ...(anyPort ? { redirect_uris: redirects.map(withoutLoopbackPort) } : {}),
  }
  return typeableId(digest(canonicalJson(known)).slice(0, 22))
}

/**
 * Whether a client in the store can have this id, which is untrusted. URLs are ids of metadata documents,
 * which are fetched and never stored. Control characters are not allowed in an id (RFC 6749 appendix A.1),
 * and make a PostgreSQL query fail.
 */
export function mayBeRegistered(id: string): boolean {
  return /^[^:\p{Cc}]{1,128}$/u.test(id)
}

/**
 * The loopback port of a native client may differ at every request (RFC 8252 section 7.3), so it
 * distinguishes nothing.
 */
function withoutLoopbackPort(uri: unknown): unknown {
  const url = URL.parse(String(uri))
  if (url?.protocol !== 'http:' || !isLoopbackHost(url.hostname)) return uri
  // Redirect URIs match literally, so an unusual spelling must not share the id of the usual one.
  if (url.href !== uri) return uri
  url.port = ''
  return url.href
}
