import { isLoopbackHost } from './resource.ts'

/**
 * The address of an installation: an origin and the path under which everything belongs to it. Every URL and
 * path that anyone sees is built here, only from the public URL. Inside, paths are local: they begin where
 * the public URL ends.
 */
export interface Site {
  /** The public URL without a trailing slash: the issuer, and the prefix of local paths. */
  readonly url: string
  /**
   * The origins at which it is known, the canonical one first. For a loopback URL these include the other
   * spellings of loopback, so that a client may say `localhost` where the server says `127.0.0.1`.
   */
  readonly origins: readonly string[]
  /** The path of the public URL; empty if that is an origin. */
  readonly basePath: string
  /** The path on the origin for a local path. */
  path(local: string): string
  /**
   * The path of a well-known document about a local path: the well-known string is inserted between host and
   * path, and thus before the base path (RFC 8414 section 3.1, RFC 9728 section 3.1).
   */
  wellKnownPath(name: string, local?: string): string
  /**
   * The local path for a path on the origin, including well-known ones; undefined for a path that is not
   * ours. Untrusted input.
   */
  localPath(path: string): string | undefined
}

const wellKnown = /^\/\.well-known\/[^/]+/

/** The site of a public URL, which has no trailing slash. */
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

/**
 * The `Host` header values that can name an origin: a default port may be omitted or given (RFC 9110
 * section 4.2.3).
 */
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
