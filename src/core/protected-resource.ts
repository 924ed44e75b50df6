import { canonicalResource } from './resource.ts'
import type { Site } from './site.ts'

/** An MCP server as OAuth sees it: the thing that access tokens are made for. */
export interface ProtectedResource {
  readonly name: string
  /** The path behind the public URL. */
  readonly path: string
  /** The canonical resource indicator: what stands in `aud` (RFC 8707, RFC 9068). */
  readonly resource: string
  /** The scopes that a client is told to ask for at first. */
  readonly baselineScopes: readonly string[]
}

/** Finds resources by what clients call them. */
export interface ResourceDirectory {
  readonly all: readonly ProtectedResource[]
  /** The resource that a request means which names none, or only the public URL: the only one there is. */
  readonly fallback: ProtectedResource | undefined
  /** The resource that the metadata at the root is about: the only one, or the one at /mcp. No token is for it by that. */
  readonly root: ProtectedResource | undefined
  /** Understands every spelling of a resource (case, default port, trailing slash, loopback alias). Untrusted input. */
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
