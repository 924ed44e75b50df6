import { canonicalResource, isLoopbackHost } from './resource.ts'

/** An MCP server as OAuth sees it: the thing that access tokens are made for. */
export interface ProtectedResource {
  readonly name: string
  /** The path on the public URL. */
  readonly path: string
  /** The canonical resource indicator: what stands in `aud` (RFC 8707, RFC 9068). */
  readonly resource: string
  /** The scopes that a client is told to ask for at first. */
  readonly baselineScopes: readonly string[]
}

/** Finds resources by what clients call them. */
export interface ResourceDirectory {
  readonly all: readonly ProtectedResource[]
  /** The resource that a request means which names none, or only the origin; undefined when that is ambiguous. */
  readonly fallback: ProtectedResource | undefined
  /** Understands every spelling of a resource (case, default port, trailing slash, loopback alias). Untrusted input. */
  find(indicator: string): ProtectedResource | undefined
}

/** Builds the directory. `origins` are the public origins, the canonical one first. */
export function resourceDirectory(
  resources: readonly ProtectedResource[],
  origins: readonly string[],
): ResourceDirectory {
  const fallback = resources.length === 1 ? resources[0] : resources.find(({ path }) => path === '/mcp')
  const index = new Map<string, ProtectedResource>()
  for (const origin of origins) {
    for (const resource of resources) index.set(origin + resource.path, resource)
    if (fallback !== undefined) index.set(origin, fallback)
  }
  return {
    all: resources,
    fallback,
    find(indicator) {
      const exact = index.get(indicator)
      if (exact !== undefined) return exact
      const canonical = canonicalResource(indicator)
      return canonical === undefined ? undefined : index.get(canonical)
    },
  }
}

/**
 * The origins under which a public URL is known: itself, and for a loopback URL the other spellings of loopback, so
 * that a client that says `localhost` where the server says `127.0.0.1` is at home. The canonical one comes first.
 */
export function publicOrigins(publicUrl: string): readonly string[] {
  const { protocol, hostname, port, origin } = new URL(publicUrl)
  if (!isLoopbackHost(hostname)) return [origin]
  const suffix = port === '' ? '' : `:${port}`
  const spellings = ['127.0.0.1', 'localhost', '[::1]'].map((host) => `${protocol}//${host}${suffix}`)
  return [origin, ...spellings.filter((spelling) => spelling !== origin)]
}
