import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Network = [Address, number]

/** Determines the address that a request comes from. */
export type ClientAddress = (req: Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'socket'>) => string

/**
 * Is told of a peer that names its client but is not a trusted proxy: it may be a proxy that was not
 * configured.
 */
export interface ProxyHint {
  /** Whether it has not been told yet. Until then each request is examined. */
  readonly isWanted: boolean
  give(header: string, peer: string): void
}

/**
 * Parses an address, or a network in CIDR notation. IPv4 that is written as IPv6 (`::ffff:10.0.0.0/104`, RFC
 * 4291 section 2.5.5.2) is IPv4, as it is in requests. Throws for anything else.
 */
function parseNetwork(text: string): Network {
  if (!text.includes('/')) {
    const address = ipaddr.process(text)
    return [address, address.kind() === 'ipv4' ? 32 : 128]
  }
  const [address, bits] = ipaddr.parseCIDR(text)
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96
    ? [address.toIPv4Address(), bits - 96]
    : [address, bits]
}

/**
 * The address of a request's client: the address of the connection, unless that belongs to a proxy in
 * `trusted` (addresses and CIDR networks). Then it is the last address in `X-Forwarded-For` or `Forwarded`
 * (RFC 7239) that is not a trusted proxy's. The headers are untrusted: whatever precedes that address, or
 * precedes something that is not an address, may be made up. If both headers are present and disagree, one of
 * them is the client's own, so neither is used.
 */
export function clientAddress(trusted: readonly string[], hint?: ProxyHint): ClientAddress {
  const peerOf = ({ socket: { remoteAddress = '' }, rawHeaders }: Parameters<ClientAddress>[0]): string => {
    if (hint?.isWanted === true) {
      const header = claimIn(rawHeaders)
      if (header !== undefined) hint.give(header, parseAddress(remoteAddress)?.toString() ?? remoteAddress)
    }
    return remoteAddress
  }
  if (trusted.length === 0) return peerOf
  const networks = trusted.map(parseNetwork)
  const isTrusted = (address: Address): boolean =>
    networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))

  const lastStranger = (peer: Address, hops: readonly (Address | undefined)[]): Address => {
    let nearest = peer
    for (const hop of hops.toReversed()) {
      if (hop === undefined || !isTrusted(nearest)) break
      nearest = hop
    }
    return nearest
  }

  return (req) => {
    const peer = parseAddress(req.socket.remoteAddress ?? '')
    if (peer === undefined || !isTrusted(peer)) return peerOf(req)
    const { 'x-forwarded-for': list, forwarded } = req.headers
    const told = [
      ...(list === undefined ? [] : [[list].flat().join(',').split(',').map(parseNode)]),
      ...(forwarded === undefined ? [] : [forwarded.split(',').map(parseElement)]),
    ].map((hops) => lastStranger(peer, hops).toString())
    const [address = peer.toString(), ...others] = new Set(told)
    return others.length > 0 ? peer.toString() : address
  }
}

/**
 * The header in which the sender of a request names its client. At this point Node has parsed only
 * `rawHeaders`.
 */
function claimIn(rawHeaders: readonly string[]): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    if (name.length === 15 && name.toLowerCase() === 'x-forwarded-for') return 'X-Forwarded-For'
    if (name.length === 9 && name.toLowerCase() === 'forwarded') return 'Forwarded'
  }
  return undefined
}

function parseAddress(text: string): Address | undefined {
  const isAddress = text.includes(':') ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text)
  return isAddress ? ipaddr.process(text) : undefined
}

/** An address, optionally with a port, and in brackets if it is IPv6 (RFC 7239 section 6). */
function parseNode(text: string): Address | undefined {
  const node = text.trim()
  const [, bracketed] = /^\[([^\]%]*)\](?::\d{1,5})?$/.exec(node) ?? []
  if (bracketed !== undefined) return bracketed.includes(':') ? parseAddress(bracketed) : undefined
  const [, withPort] = /^([\d.]+):\d{1,5}$/.exec(node) ?? []
  return node.includes('%') ? undefined : parseAddress(withPort ?? node)
}

/**
 * Parses the text between two commas of `Forwarded`. Addresses need no commas or escapes, so an element that
 * was split inside a quoted string is not treated as an address: a proxy may quote what the client wrote.
 */
function parseElement(element: string): Address | undefined {
  const quotes = element.split('"').length - 1
  if (quotes % 2 === 1 || element.includes('\\')) return undefined
  const nodes = element.split(';').flatMap((pair) => /^\s*for=(?:"([^"]*)"|([^"\s]*))\s*$/i.exec(pair) ?? [])
  const [, quoted, plain] = nodes
  return nodes.length === 3 ? parseNode(quoted ?? plain ?? '') : undefined
}
