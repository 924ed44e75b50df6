import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'

interface ResolveOptions {
  readonly milliseconds: number
  /** Name servers in place of the system's. */
  readonly servers?: readonly string[]
}

/** What `localhost` means everywhere (RFC 6761 section 6.3). */
const loopback: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/** Whether a host name means this computer wherever it is used. The name is untrusted. */
export function isLocalhostName(name: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(name)
}

/**
 * Resolves a host name to all its addresses, through DNS alone. The system's resolver would keep a thread busy for as
 * long as a stranger's name server takes, and the threads are few that also sign our tokens. Rejects where there is no
 * address. The name is untrusted.
 */
export function hostResolver({
  milliseconds,
  servers,
}: ResolveOptions): (name: string) => Promise<LookupAddress[]> {
  return async (name) => {
    if (isLocalhostName(name)) return [...loopback]
    const resolver = new Resolver({ timeout: milliseconds, tries: 1 })
    if (servers !== undefined) resolver.setServers([...servers])
    const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const addresses = [
      ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
      ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
    ]
    if (addresses.length > 0) return addresses
    throw new Error(`${name} has no address`, { cause: four.status === 'rejected' ? four.reason : undefined })
  }
}

/** Whether a name could not be resolved because there is none, as a name server says: asking it worked. */
export function isUnknownName(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException
  return code === 'ENOTFOUND' || code === 'ENODATA'
}
