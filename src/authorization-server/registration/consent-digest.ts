import type { Client } from 'oidc-provider'
import { digest } from '../../core/secret.ts'
import { canonical } from './client-id.ts'

/**
 * Names what a person agreed to in a client: its name, where it is called back, and its keys. Where it changes, the
 * client is not the one that was let in any more, and the person is asked again
 * (draft-ietf-oauth-client-id-metadata-document-01 section 6).
 */
export function consentDigest(client: Client): string {
  const { clientName, redirectUris, jwks, jwksUri, clientAuthMethod } = client
  return digest(canonical({ clientName, redirectUris, jwks, jwksUri, clientAuthMethod }))
}
