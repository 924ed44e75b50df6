import { isLoopbackHost } from './resource.ts'

/**
 * Where an installation is found: an origin, and the path under which all there is its own. Every URL and every path
 * that anybody sees is written here, from the public URL alone. Inside, paths are local: they begin where it ends.
 */
export interface Site {
  /** The public URL without a slash at its end: the issuer, and what local paths are put behind. */
  readonly url: string
  /**
   * The origins under which it is known, the canonical one first: for a loopback URL the other spellings of loopback,
   * so that a client that says `localhost` where the server says `127.0.0.1` is at home.
   */
  readonly origins: readonly string[]
  /** The path of the public URL; empty where that is an origin. */
  readonly basePath: string
  /** The path of a local path on the origin. */
  path(local: string): string
  /**
   * The path of a well-known document about a local path: the well-known string is inserted between host and path, and
   * so before the base path (RFC 8414 section 3.1, RFC 9728 section 3.1).
   */
  wellKnownPath(name: string, local?: string): string
  /** The local path of a path on the origin, well-known ones included; undefined for what is not ours. Untrusted input. */
  localPath(path: string): string | undefined
}

const wellKnown = /^\/\.well-known\/[^/]+/

/** The site of a public URL, which has no slash at its end. */
export function siteOf(url: string): Site {
  const { origin, pathname } = new URL(url)
  const basePath = pathname === '/' ? '' : pathname
  const behindBase = (path: string): string | undefined => {
    if (path === basePath) return ''
    return path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : undefined
  }
  return {
    url,
    origins: originsOf(origin),
    basePath,
    path: (local) => basePath + local,
    wellKnownPath: (name, local = '') => `/.well-known/${name}${basePath}${local}`,
    localPath(path) {
      const [document = ''] = wellKnown.exec(path) ?? []
      const inserted = document === '' ? undefined : behindBase(path.slice(document.length))
      if (inserted !== undefined) return document + inserted
      const local = behindBase(path)
      return local === '' ? '/' : local
    },
  }
}

/** How a `Host` header can name an origin: a default port may be left out, and may be named (RFC 9110 section 4.2.3). */
export function hostsOf(origin: string): readonly string[] {
  const { protocol, host, port } = new URL(origin)
  return port === '' ? [host, `${host}:${protocol === 'https:' ? 443 : 80}`] : [host]
}

function originsOf(origin: string): readonly string[] {
  const { protocol, hostname, port } = new URL(origin)
  if (!isLoopbackHost(hostname)) return [origin]
  const suffix = port === '' ? '' : `:${port}`
  const spellings = ['127.0.0.1', 'localhost', '[::1]'].map((host) => `${protocol}//${host}${suffix}`)
  return [origin, ...spellings.filter((spelling) => spelling !== origin)]
}
