import { isIP } from 'node:net'
import { problem, type RuleProblem } from '../problems.ts'
import type { ParsedConfig } from '../schema.ts'

/** The rule for concurrent listeners: each has its own port, unless it is at another address. */
export function checkPorts({ listen, authorizationServer }: Partial<ParsedConfig>): RuleProblem[] {
  if (listen === undefined) return []
  const { host, internalHost, adminHost = internalHost } = listen
  const listeners = [
    { name: 'gateway', host, port: listen.gateway },
    ...(authorizationServer === 'external'
      ? []
      : [{ name: 'authorizationServer', host: internalHost, port: listen.authorizationServer }]),
    { name: 'admin', host: adminHost, port: listen.admin },
  ]
  return listeners.flatMap(({ name, ...place }, index) => {
    const other = listeners
      .slice(0, index)
      .find((earlier) => place.port !== 0 && earlier.port === place.port && meet(earlier.host, place.host))
    const message = `is ${place.port}, as listen.${other?.name} is: give each a port of its own`
    return other === undefined ? [] : [problem(['listen', name], message)]
  })
}

/** Whether two listeners with the same port conflict. A name may stand for an address of another machine. */
function meet(one: string, other: string): boolean {
  const [first, second] = [addressOf(one), addressOf(other)]
  return first === second || takes(first, second) || takes(second, first)
}

function addressOf(host: string): string {
  return host.toLowerCase() === 'localhost' ? '127.0.0.1' : host.toLowerCase()
}

/**
 * Whether a host that means every address includes the other one: `::` includes both families, `0.0.0.0` only
 * IPv4.
 */
function takes(host: string, other: string): boolean {
  return (host === '::' && isIP(other) > 0) || (host === '0.0.0.0' && isIP(other) === 4)
}
