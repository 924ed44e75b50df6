import { canonicalResource } from './resource.ts'
import type { Site } from './site.ts'

/** An MCP server as OAuth sees it: what access tokens are issued for. */
export interface ProtectedResource {
  readonly name: string
  /** The path relative to the public URL. */
  readonly path: string
  /** The canonical resource indicator, which is the value of `aud` (RFC 8707, RFC 9068). */
  readonly resource: string
  /** The scopes that a client is told to request at first. */
  readonly baselineScopes: readonly string[]
  /** Whether tokens for it may be bound to a key (DPoP). */
  readonly takesProofs: boolean
}

/** Finds resources by the names that clients use for them. */
export interface ResourceDirectory {
  readonly all: readonly ProtectedResource[]
  /** The resource of a request that names none, or only the public URL; set if there is exactly one. */
  readonly fallback: ProtectedResource | undefined
  /**
   * The resource that the metadata at the root describes: the only one, or the one at /mcp. This does not
   * make it the resource of any token.
   */
  readonly root: ProtectedResource | undefined
  /**
   * Accepts every spelling of a resource (case, default port, trailing slash, loopback alias). Untrusted
   * input.
   */
  find(indicator: string): ProtectedResource | undefined
}

/** Builds the directory of the resources of a site. */
export function resourceDirectory(resources: readonly ProtectedResource[], site: Site): ResourceDirectory {
  const fallback = resources.length === 1 ? resources[0] : undefined
  const index = new Map<string, ProtectedResource>()
  for (const origin of site.origins) {
    for (const resource of resources) index.set(origin + site.path(resource.path), resource)
    if (fallback !== undefined) index.set(origin + site.path(''), fallback)
  }
  return {
    all: resources,
    fallback,
    root: fallback ?? resources.find(({ path }) => path === '/mcp'),
    find(indicator) {
      const exact = index.get(indicator)
      if (exact !== undefined) return exact
      const canonical = canonicalResource(indicator)
      return canonical === undefined ? undefined : index.get(canonical)
    },
  }
}
