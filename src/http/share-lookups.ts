import dns from 'node:dns'
import type { LookupFunction } from 'node:net'

type Found = Parameters<LookupFunction>[2]

const waiting = new Map<string, Found[]>()

/**
 * Resolves the host of a server that the operator named, as the system does, for all who wait for the same host
 * together. Few lookups of the system run at a time in a process, and one may take as long as a name server is
 * silent: each request to such a host would otherwise hold up the connections to all others.
 */
export const sharedLookup: LookupFunction = (host, options, found) => {
  const key = JSON.stringify([host, options.family, options.hints, options.all])
  const others = waiting.get(key)
  if (others !== undefined) {
    others.push(found)
    return
  }
  const all = [found]
  waiting.set(key, all)
  dns.lookup(host, options, (...answer: Parameters<Found>) => {
    waiting.delete(key)
    for (const one of all) one(...answer)
  })
}
