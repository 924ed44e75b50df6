import type { IncomingMessage } from 'node:http'
import { hostsOf, type Site } from '../core/site.ts'

/** A tenant, and what handles its requests. */
interface Place<T> {
  readonly site: Site
  /** Whether it has its own host name. */
  readonly hasHost: boolean
  readonly value: T
}

const wellKnown = '/.well-known/'

/**
 * Finds the tenant that a request is for: the one whose host it names, or else the one whose path or
 * well-known documents it asks for, or else the installation itself. `prefix` is the path on the origin that
 * precedes the names of tenants, with a trailing slash. Names are compared as they were sent, so that no
 * spelling of one can pass for another. What belongs to nobody is left to the installation, where it is
 * unknown as well. The request is untrusted.
 */
export function pickTenant<T>(
  own: T,
  tenants: readonly (Place<T> & { readonly name: string })[],
  prefix: string,
): (req: IncomingMessage) => T {
  if (tenants.length === 0) return () => own
  const byHost = new Map<string, T>()
  const byName = new Map<string, T>()
  for (const { name, site, hasHost, value } of tenants) {
    if (!hasHost) byName.set(name, value)
    else for (const host of site.origins.flatMap(hostsOf)) byHost.set(host, value)
  }
  const ofPath = (url: string, from: number): T | undefined => {
    if (!url.startsWith(prefix, from)) return undefined
    const start = from + prefix.length
    return byName.get(url.slice(start, endOfSegment(url, start)))
  }
  return ({ url = '', headers: { host = '' } }) => {
    const named = byHost.get(host) ?? byHost.get(host.toLowerCase())
    if (named !== undefined) return named
    const from = url.startsWith(wellKnown) ? endOfSegment(url, wellKnown.length) : 0
    return ofPath(url, from) ?? (from === 0 ? undefined : ofPath(url, 0)) ?? own
  }
}

/** Where the segment that begins at `start` ends. */
function endOfSegment(url: string, start: number): number {
  for (let index = start; index < url.length; index++) {
    const character = url.charCodeAt(index)
    if (character === 0x2f || character === 0x3f) return index // a slash, or the question mark of a query
  }
  return url.length
}
