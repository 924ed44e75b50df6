import { metadataPrefix } from './metadata.ts'
import type { Upstream } from './upstream.ts'

/** What a path leads to. Everything that is no route belongs to the authorization server. */
export type Route =
  | { readonly kind: 'mcp'; readonly upstream: Upstream }
  /** `path` is the path of the resource that the metadata describes; empty for the origin itself. */
  | { readonly kind: 'metadata'; readonly upstream: Upstream; readonly path: string }
  | { readonly kind: 'identity-keys' }

/** Where MCP servers find the keys of identity tokens. */
export const identityKeysPath = '/gateway/jwks'

/** The routes by exact path: no pattern, no decoding, so that no spelling of a path can slip past a check. */
export function buildRoutes(
  upstreams: readonly Upstream[],
  fallback: Upstream | undefined,
): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>()
  routes.set(identityKeysPath, { kind: 'identity-keys' })
  for (const upstream of upstreams) {
    const { path } = upstream
    routes.set(path, { kind: 'mcp', upstream })
    routes.set(metadataPrefix + path, { kind: 'metadata', upstream, path })
    // Not in the RFC, but some clients append instead of inserting.
    routes.set(path + metadataPrefix, { kind: 'metadata', upstream, path })
  }
  if (fallback !== undefined) routes.set(metadataPrefix, { kind: 'metadata', upstream: fallback, path: '' })
  return routes
}
