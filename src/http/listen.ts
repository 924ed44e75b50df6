import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { Server as TlsServer } from 'node:https'
import { type AddressInfo, isIPv6, Server as NetServer, type Socket } from 'node:net'
import { closeQueued } from './close-queued.ts'
import { type PortHolder, portHolder } from './port-holder.ts'
import { watchAnswers } from './unread.ts'

/** The port is already in use. Has the cause and the fix for the operator. */
export class PortTaken extends Error {
  constructor({ name, port, fix }: Omit<Place, 'host'>, holder: PortHolder | undefined) {
    const who = holder?.description ?? 'another program'
    const stop =
      holder?.isThisProcess === true ? 'give each a port of its own,' : 'stop it, or choose another port'
    super(`port ${port} for the ${name} is taken by ${who}: ${stop} with ${fix}`)
    this.name = 'PortTaken'
  }
}

/** This user may not use the port. Has the fix for the operator. */
export class PortForbidden extends Error {
  constructor({ name, port, fix }: Omit<Place, 'host'>) {
    const right = 'the right to take low ports (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)'
    const grant = process.platform === 'linux' ? `grant it ${right}, or ` : '' // others have no such right
    super(
      `port ${port} for the ${name} may not be used by this user: ${grant}choose another port with ${fix}`,
    )
    this.name = 'PortForbidden'
  }
}

/** Nothing on this machine can listen at the address. Has the fix for the operator. */
export class AddressUnusable extends Error {
  constructor({ name, host, hostFix = 'another setting' }: Place, why: string) {
    const fix = `choose an address of this machine with ${hostFix}, such as 127.0.0.1, or 0.0.0.0 for all of them`
    super(`${host} for the ${name} is ${why}: ${fix}`)
    this.name = 'AddressUnusable'
  }
}

/** The origin of what listens at a host: an IPv6 address stands in brackets (RFC 3986 section 3.2.2). */
export function originAt(scheme: 'http' | 'https', host: string, port: number): string {
  return `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`
}

type Server = HttpServer | TlsServer

const idleRoundMs = 50
/** How long an accepted connection may take until its request arrives. */
const firstRequestMs = 1000

/** Connections of a listener that have not brought a request yet. */
const unheard = new WeakMap<Server, Set<Socket>>()

interface Place {
  readonly name: string
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** How an operator chooses another port. */
  readonly fix: string
  /** How an operator chooses another host. */
  readonly hostFix?: string
}

/**
 * Explains why listening failed: the address is not on this machine, or who uses the port, as far as the
 * system tells, and how to choose another one. What no operator can fix is returned as it is.
 */
export async function explainListenError(error: unknown, place: Place): Promise<unknown> {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'EACCES') return new PortForbidden(place)
  if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')
    return new AddressUnusable(place, 'not an address of this machine')
  // A multicast address, or fe80::1 without the interface that it is on.
  if (code === 'EINVAL')
    return new AddressUnusable(place, 'not one to listen at, or lacks its interface (fe80::1%eth0)')
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new AddressUnusable(place, 'a name without a known address')
  return code === 'EADDRINUSE' ? new PortTaken(place, await portHolder(place.port)) : error
}

/** Starts to listen and returns the port. Throws PortTaken, PortForbidden or AddressUnusable. */
export async function listen(server: Server, place: Place): Promise<number> {
  const { host, port } = place
  watchConnections(server)
  closeQueued(server)
  watchAnswers(server)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port }, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    throw await explainListenError(error, place)
  }
  return (server.address() as AddressInfo).port
}

/**
 * Stops accepting connections, lets running requests finish for at most `graceMs` milliseconds, then closes
 * every connection. An accepted connection without a request yet may still send one, since its client cannot
 * know. For `lastCallMs` so may those that are idle: a proxy may just be sending on one, and could not repeat
 * it. A handler that closes connections with its answers thus leaves nothing to lose.
 */
export async function drain(server: Server, graceMs: number, lastCallMs = 0): Promise<void> {
  if (!server.listening) return
  // The method of node:http would cut connections at once whose first request is on its way.
  const closed = new Promise<void>((resolve) => {
    NetServer.prototype.close.call(server, () => resolve())
  })
  const began = performance.now()
  // A connection that becomes idle while others are busy is closed by one of the next checks.
  const idle = setInterval(() => {
    const elapsed = performance.now() - began
    const waits = elapsed < lastCallMs || (elapsed < firstRequestMs && (unheard.get(server)?.size ?? 0) > 0)
    // What has arrived on them by now is read first: timers run before that, and late in a busy process.
    if (!waits) setImmediate(() => server.closeIdleConnections())
  }, idleRoundMs)
  const timer = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearInterval(idle)
  clearTimeout(timer)
  // What node:http itself does when a server closes. It is not an error here if it is already closed.
  server.close(() => undefined)
  // The last connections are closed; listeners for the end of their responses are notified in this turn.
  await new Promise<void>((resolve) => setImmediate(resolve))
}

function watchConnections(server: Server): void {
  const sockets = new Set<Socket>()
  unheard.set(server, sockets)
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', ({ socket }: IncomingMessage) => sockets.delete(socket))
}
