import type { KoaContextWithOIDC } from 'oidc-provider'
import { identityAssertionProfile } from '../grant-types/jwt-bearer.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

interface Metadata {
  scopes_supported: string[]
  claims_supported: string[]
  response_modes_supported?: string[]
  dpop_signing_alg_values_supported?: string[]
  client_id_metadata_document_supported?: boolean
  authorization_grant_profiles_supported?: string[]
  [member: string]: unknown
}

/**
 * Completes the metadata of the authorization server (RFC 8414 section 2) that the library has written:
 * - `offline_access` is among the scopes only here, since some clients refresh only if they see it;
 * - how clients authenticate for revocation and introspection is said, since otherwise only clients with a
 *   secret would assume that they may use them;
 * - `sid` is no claim of any ID token here, since no client is told of the end of a session;
 * - proofs of a key (DPoP) are announced only if a server takes tokens that are bound to one;
 * - that assertions are accepted is said, but not from whom;
 * - metadata documents of clients are announced only while they can be fetched.
 */
export async function completeMetadata(
  { grants, scopes, resources, announcesDocuments }: AuthorizationServerSettings,
  { body }: KoaContextWithOIDC,
): Promise<void> {
  const metadata = body as Metadata
  metadata.response_modes_supported = ['query']
  metadata.scopes_supported = [...scopes.leaves, 'openid', 'offline_access']
  metadata.claims_supported = metadata.claims_supported.filter((claim) => claim !== 'sid')
  for (const endpoint of ['revocation', 'introspection']) {
    for (const name of ['auth_methods_supported', 'auth_signing_alg_values_supported'])
      metadata[`${endpoint}_endpoint_${name}`] = metadata[`token_endpoint_${name}`]
  }
  if (!resources.all.some(({ takesProofs }) => takesProofs)) delete metadata.dpop_signing_alg_values_supported
  if (grants.assertionIssuers.length > 0)
    metadata.authorization_grant_profiles_supported = [identityAssertionProfile]
  if (!(await announcesDocuments())) delete metadata.client_id_metadata_document_supported
}
