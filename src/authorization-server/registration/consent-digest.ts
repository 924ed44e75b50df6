import type { Client } from 'oidc-provider'
import { digest } from '../../core/secret.ts'
import { canonicalJson } from './canonical-json.ts'

/**
 * Identifies what a user agreed to about a client: its name, its redirect URIs, and its keys. If any of these
 * change, the client is no longer the one that was approved, and the user is asked again
 * (draft-ietf-oauth-client-id-metadata-document-01 section 6).
 */
export function consentDigest(client: Client): string {
  const { clientName, redirectUris, jwks, jwksUri, clientAuthMethod } = client
  return digest(canonicalJson({ clientName, redirectUris, jwks, jwksUri, clientAuthMethod }))
}
