import { readdir, readFile, readlink } from 'node:fs/promises'
import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { Server as TlsServer } from 'node:https'
import { type AddressInfo, isIPv6, Server as NetServer, type Socket } from 'node:net'
import { closeQueued } from './close-queued.ts'

const itself = 'another listener of this very process'

/** The port is already in use. Has the cause and the fix for the operator. */
export class PortTaken extends Error {
  constructor(name: string, port: number, holder: string | undefined, fix: string) {
    const who = holder === undefined ? 'another program' : holder
    const stop = holder === itself ? 'give each a port of its own,' : 'stop it, or choose another port'
    super(`port ${port} for the ${name} is taken by ${who}: ${stop} with ${fix}`)
    this.name = 'PortTaken'
  }
}

/** This user may not use the port. Has the fix for the operator. */
export class PortForbidden extends Error {
  constructor({ name, port, fix }: Omit<Place, 'host'>) {
    const right = 'the right to take low ports (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)'
    super(
      `port ${port} for the ${name} may not be used by this user: grant it ${right}, or choose another port with ${fix}`,
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
  const { name, port, fix } = place
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'EACCES') return new PortForbidden({ name, port, fix })
  if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')
    return new AddressUnusable(place, 'not an address of this machine')
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new AddressUnusable(place, 'a name without a known address')
  return code === 'EADDRINUSE' ? new PortTaken(name, port, await holderOf(port), fix) : error
}

/** Starts to listen and returns the port. Throws PortTaken, PortForbidden or AddressUnusable. */
export async function listen(server: Server, place: Place): Promise<number> {
  const { host, port } = place
  watchConnections(server)
  closeQueued(server)
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
 * know.
 */
export async function drain(server: Server, graceMs: number): Promise<void> {
  if (!server.listening) return
  // The method of node:http would cut connections at once whose first request is on its way.
  const closed = new Promise<void>((resolve) => {
    NetServer.prototype.close.call(server, () => resolve())
  })
  const began = performance.now()
  // A connection that becomes idle while others are busy is closed by one of the next checks.
  const idle = setInterval(() => {
    const waits = performance.now() - began < firstRequestMs && (unheard.get(server)?.size ?? 0) > 0
    if (!waits) server.closeIdleConnections()
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

/** Who listens on a TCP port, as far as Linux's /proc tells this user. */
async function holderOf(port: number): Promise<string | undefined> {
  try {
    const inode = await listeningInode(port)
    return inode === undefined ? undefined : await ownerOf(inode)
  } catch {
    return undefined // no /proc, or not readable: the message goes without
  }
}

async function listeningInode(port: number): Promise<string | undefined> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'utf8')).split('\n')) {
      const columns = line.trim().split(/\s+/)
      if (columns[1]?.endsWith(`:${hexPort}`) && columns[3] === '0A') return columns[9]
    }
  }
  return undefined
}

async function ownerOf(inode: string): Promise<string | undefined> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      if (target !== `socket:[${inode}]`) continue
      if (pid === String(process.pid)) return itself
      const name = await readFile(`/proc/${pid}/comm`, 'utf8')
      return `${name.trim()} (process ${pid})`
    }
  }
  return undefined
}
