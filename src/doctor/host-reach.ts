import ipaddr from 'ipaddr.js'

/**
 * Explains why a client that reached one URL cannot, or must not, go to another that the server named;
 * undefined if it can. Decided only by the text of the URLs: nothing is looked up. Both are untrusted.
 */
export function unreachableReason(from: URL, url: string): string | undefined {
  const target = URL.parse(url)
  if (target === null || !/^https?:$/.test(target.protocol)) return `${url} is not an http or https URL`
  if (target.username !== '' || target.password !== '')
    return `the URL at ${target.host} contains credentials`
  const [here, there] = [reachOf(from.hostname), reachOf(target.hostname)]
  if (there === 'computer')
    return here === 'computer' ? undefined : `${target.origin} is the client's own computer`
  if (there === 'network' && here !== 'network') {
    return `${target.origin} is a name or address of an internal network that this client is not in`
  }
  return target.protocol === 'http:' ? `${target.origin} is plain http on another computer` : undefined
}

type Reach = 'computer' | 'network' | 'world'

function reachOf(hostname: string): Reach {
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return 'computer'
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  if (ipaddr.isValid(address)) {
    const range = ipaddr.process(address).range()
    if (range === 'loopback') return 'computer'
    return range === 'unicast' ? 'world' : 'network'
  }
  const isInternal =
    !hostname.includes('.') || /\.(?:internal|local|localdomain|lan|home\.arpa)$/i.test(hostname)
  return isInternal ? 'network' : 'world'
}
