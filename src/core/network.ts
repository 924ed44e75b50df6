import ipaddr from 'ipaddr.js'

/**
 * The network that limits count as one caller: an IPv4 address, or the first 48 bits of an IPv6 address, since sites
 * and tunnels get up to that much (RFC 6177) and can change addresses in it at will. Untrusted input; what is no
 * address stands for itself. Here because identity may not import http, and both count.
 */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 3).join(':') : parsed.toString()
}
