import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'

interface ResolveOptions {
  readonly milliseconds: number
  /** Name servers to use instead of the system's. */
  readonly servers?: readonly string[]
}

/** The meaning of `localhost` everywhere (RFC 6761 section 6.3). */
const loopback: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/** Whether a host name always means this computer. The name is untrusted. */
export function isLocalhostName(name: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(name)
}

/**
 * Resolves a host name to all its addresses, only through DNS. The system's resolver would occupy a thread
 * for as long as a stranger's name server takes, and the few threads also sign our tokens. Rejects if there
 * is no address. The name is untrusted.
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

/**
 * Whether a name could not be resolved because a name server said that it does not exist, which means that
 * asking worked.
 */
export function isUnknownName(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException
  return code === 'ENOTFOUND' || code === 'ENODATA'
}
