import { proofAlgorithms } from '../core/dpop.ts'
import type { Upstream } from './upstream.ts'

/** The well-known name of protected resource metadata (RFC 9728 section 3). */
export const metadataName = 'oauth-protected-resource'

/**
 * The protected resource metadata (RFC 9728 section 2) for one spelling of a resource, since clients
 * compare `resource` with the URL that they called.
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
