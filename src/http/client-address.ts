import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Network = [Address, number]

/** Tells from which address a request comes. */
export type ClientAddress = (req: Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'socket'>) => string

/** Hears of one peer that says for whom it speaks and is no trusted proxy: it may be one that nobody named. */
export interface ProxyHint {
  /** Whether it has yet to hear. Until then each request is looked at. */
  readonly isWanted: boolean
  give(header: string, peer: string): void
}

/** Reads an address, or a network in CIDR notation. Throws for anything else. */
function parseNetwork(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.process(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/**
 * The address of a request's client: the one that the connection came from, unless that is a proxy in `trusted`
 * (addresses and CIDR networks). Then it is the last address in `X-Forwarded-For` or `Forwarded` (RFC 7239) that no
 * trusted proxy has. The headers are untrusted: what stands before that, or before something that is no address, may
 * be made up. Where both headers came and disagree, one of them is the client's own, so neither counts.
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

/** The header in which a request names the client of whoever sent it. Node has parsed no more than `rawHeaders` by now. */
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

/** An address, which may have a port, and brackets where it is an IPv6 one (RFC 7239 section 6). */
function parseNode(text: string): Address | undefined {
  const node = text.trim()
  const [, bracketed] = /^\[([^\]%]*)\](?::\d{1,5})?$/.exec(node) ?? []
  if (bracketed !== undefined) return bracketed.includes(':') ? parseAddress(bracketed) : undefined
  const [, withPort] = /^([\d.]+):\d{1,5}$/.exec(node) ?? []
  return node.includes('%') ? undefined : parseAddress(withPort ?? node)
}

/**
 * What stands between two commas of `Forwarded`. An address needs no comma and no escape, so an element that was cut
 * within a quoted text is taken for no address: a proxy may quote what the client wrote.
 */
function parseElement(element: string): Address | undefined {
  const quotes = element.split('"').length - 1
  if (quotes % 2 === 1 || element.includes('\\')) return undefined
  const nodes = element.split(';').flatMap((pair) => /^\s*for=(?:"([^"]*)"|([^"\s]*))\s*$/i.exec(pair) ?? [])
  const [, quoted, plain] = nodes
  return nodes.length === 3 ? parseNode(quoted ?? plain ?? '') : undefined
}
