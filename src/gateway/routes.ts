import type { Site } from '../core/site.ts'
import { metadataName } from './metadata.ts'
import type { Upstream } from './upstream.ts'

/** What a path leads to. Everything on the site that is not a route belongs to the authorization server. */
export type Route =
  | { readonly kind: 'mcp'; readonly upstream: Upstream }
  /** `path` is the path on the origin of the resource that the metadata describes. */
  | { readonly kind: 'metadata'; readonly upstream: Upstream; readonly path: string }
  | { readonly kind: 'identity-keys' }

/** Where MCP servers find the keys of identity tokens. A local path. */
export const identityKeysPath = '/gateway/jwks'

/**
 * The routes by exact path on the origin, without patterns or decoding, so that no spelling of a path can
 * slip past a check. `root` is the resource that the metadata at the root describes.
 */
export function buildRoutes(
  site: Site,
  upstreams: readonly Upstream[],
  root: Upstream | undefined,
): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>()
  routes.set(site.path(identityKeysPath), { kind: 'identity-keys' })
  for (const upstream of upstreams) {
    const path = site.path(upstream.path)
    const metadata = { kind: 'metadata', upstream, path } as const
    routes.set(path, { kind: 'mcp', upstream })
    routes.set(site.wellKnownPath(metadataName, upstream.path), metadata)
    // Not in the RFC, but some clients append the well-known string instead of inserting it.
    routes.set(`${path}/.well-known/${metadataName}`, metadata)
  }
  if (root !== undefined) {
    const metadata = { kind: 'metadata', upstream: root, path: site.path('') } as const
    routes.set(site.wellKnownPath(metadataName), metadata)
  }
  return routes
}
