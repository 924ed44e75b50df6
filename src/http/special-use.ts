import ipaddr from 'ipaddr.js'
import { isLocalhostName } from './resolve-host.ts'

/** Where IANA gives out addresses of the public IPv6 internet; everything else is special or unassigned. */
const globalIpv6 = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number]

/** What an IP address is for. `unusable` is every special-use address (RFC 6890) that is no loopback. */
type AddressKind = 'global' | 'loopback' | 'unusable'

/**
 * Says whether an address belongs to the public internet. An address that holds an IPv4 address inside (mapped, NAT64,
 * 6to4, Teredo) is unusable whatever that one is. The input is untrusted; what is no address is unusable.
 */
export function addressKind(address: string): AddressKind {
  if (!ipaddr.isValid(address)) return 'unusable'
  const parsed = ipaddr.parse(address)
  const range = parsed.range()
  if (range === 'loopback') return 'loopback'
  if (range !== 'unicast') return 'unusable'
  return parsed instanceof ipaddr.IPv6 && !parsed.match(globalIpv6) ? 'unusable' : 'global'
}

/** The address that a URL's host name spells out, without brackets; undefined for a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return ipaddr.isValid(bare) ? bare : undefined
}

/**
 * Says whether a URL's host name leads to this computer or into a network, and not to the public internet, as far as the
 * name itself tells, however it is spelled: `localhost`, a name below it, or an address. The name is untrusted.
 */
export function leadsInside(hostname: string): boolean {
  const literal = literalAddress(hostname)
  return literal === undefined ? isLocalhostName(hostname) : addressKind(literal) !== 'global'
}
