import ipaddr from 'ipaddr.js'
import { isLocalhostName } from './resolve-host.ts'

/** Where IANA assigns addresses of the public IPv6 internet; everything else is special or unassigned. */
const globalIpv6 = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number]

/** What an IP address is for. `unusable` is every special-use address (RFC 6890) other than loopback. */
type AddressKind = 'global' | 'loopback' | 'unusable'

/**
 * Whether an address belongs to the public internet. An address with an IPv4 address inside (mapped, NAT64,
 * 6to4, Teredo) is unusable, whatever that one is. The input is untrusted; anything that is not an address is
 * unusable.
 */
export function addressKind(address: string): AddressKind {
  if (!ipaddr.isValid(address)) return 'unusable'
  const parsed = ipaddr.parse(address)
  const range = parsed.range()
  if (range === 'loopback') return 'loopback'
  if (range !== 'unicast') return 'unusable'
  return parsed instanceof ipaddr.IPv6 && !parsed.match(globalIpv6) ? 'unusable' : 'global'
}

/** The address in a URL's host name, without brackets; undefined for a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return ipaddr.isValid(bare) ? bare : undefined
}

/**
 * Whether a URL's host name leads to this computer or into a private network instead of the public internet,
 * as far as the name itself tells, in any spelling: `localhost`, a name below it, or an address. The name is
 * untrusted.
 */
export function leadsInside(hostname: string): boolean {
  const literal = literalAddress(hostname)
  return literal === undefined ? isLocalhostName(hostname) : addressKind(literal) !== 'global'
}
