import ipaddr from 'ipaddr.js'

/**
 * The network that limits count as one caller: an IPv4 address, or the first 48 bits of an IPv6 address,
 * since sites and tunnels get up to that much (RFC 6177) and can change addresses within it at will.
 * Untrusted input; anything that is not an address is returned as it is.
 */
export function networkOf(address: string): string {
  if (plainIPv4.test(address)) return address
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 3).join(':') : parsed.toString()
}

/** Nearly all addresses look like this and need no parsing. */
const plainIPv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
