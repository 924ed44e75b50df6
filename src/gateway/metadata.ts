import { proofAlgorithms } from '../core/dpop.ts'
import type { Upstream } from './upstream.ts'

/** The name of well-known documents that are protected resource metadata (RFC 9728 section 3). */
export const metadataName = 'oauth-protected-resource'

/**
 * The protected resource metadata (RFC 9728 section 2) of one spelling of a resource: a client compares `resource`
 * with the URL that it called.
 */
export function resourceMetadata(upstream: Upstream, resource: string, issuers: readonly string[]): object {
  return {
    resource,
    authorization_servers: issuers,
    scopes_supported: upstream.baselineScopes,
    bearer_methods_supported: ['header'],
    resource_name: upstream.name,
    ...(upstream.dpop === 'off' ? {} : { dpop_signing_alg_values_supported: proofAlgorithms }),
    ...(upstream.dpop === 'required' ? { dpop_bound_access_tokens_required: true } : {}),
  }
}
