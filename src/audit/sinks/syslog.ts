import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { FormatLine, Sink } from './contract.ts'
import { type SyslogSender, syslogMessage } from './syslog-message.ts'

interface SyslogSinkOptions {
  readonly name: string
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly host: string
  readonly port: number
  /**
   * PEM certificates of the authorities that may have signed the server's; those of the system if there are
   * none.
   */
  readonly ca?: string | undefined
  readonly sender: SyslogSender
  readonly format: FormatLine
  /** How long to wait for a server that takes nothing. */
  readonly patienceMilliseconds?: number
}

const connectMilliseconds = 10_000
/**
 * The system takes no more for a slow server before a third of what it keeps for it, megabytes, is sent. From
 * here that looks as if the server took nothing.
 */
const slowMilliseconds = 60_000

/**
 * Sends events to a syslog server: over TLS (RFC 5425) or TCP (RFC 6587), each preceded by its length, or
 * over UDP, one per datagram (RFC 5426). Syslog has no acknowledgements: events count as delivered when this
 * machine has sent them.
 */
export function syslogSink(options: SyslogSinkOptions): Sink {
  const { sender, format } = options
  const messages = (lines: readonly string[]): string[] =>
    lines.map((line) => syslogMessage(line, format(line), sender))
  return options.transport === 'udp'
    ? datagrams(options, messages)
    : stream(options, (lines) => messages(lines).map(countOctets).join(''))
}

function countOctets(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`
}

function datagrams(
  { name, host, port }: SyslogSinkOptions,
  messages: (lines: readonly string[]) => readonly string[],
): Sink {
  const sockets = new Map<number, DatagramSocket>()
  const socketFor = async (family: number): Promise<DatagramSocket> => {
    const known = sockets.get(family)
    if (known !== undefined) return known
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4').unref()
    // Sending would bind it as well, and never report that it could not.
    socket.bind({ port: 0, exclusive: true })
    await once(socket, 'listening').catch((error: unknown) => {
      socket.close()
      throw error
    })
    socket.on('error', () => undefined) // the callback of the sent message reports it
    sockets.set(family, socket)
    return socket
  }
  const close = (socket: DatagramSocket): Promise<void> =>
    new Promise((resolve) => void socket.close(() => resolve()))
  return {
    name,
    async deliver(lines) {
      // In some networks a name leads to IPv6 alone.
      const { address, family } = await lookup(host, { order: 'ipv4first' })
      const socket = await socketFor(family)
      const send = (message: string): Promise<void> =>
        new Promise((resolve, reject) => {
          socket.send(message, port, address, (error) => (error === null ? resolve() : reject(error)))
        })
      for (const message of messages(lines)) await send(message)
    },
    async close() {
      await Promise.all([...sockets.values()].map(close))
    },
  }
}

function stream(
  { name, host, port, ca, transport, patienceMilliseconds = slowMilliseconds }: SyslogSinkOptions,
  write: (lines: readonly string[]) => string,
): Sink {
  let open: Socket | undefined
  const connected = async (): Promise<Socket> => {
    if (open !== undefined && !open.destroyed && open.writable) return open
    // An IP address is not a server name (RFC 6066 section 3); the certificate is compared with `host` all
    // the same.
    const named = isIP(host) === 0 ? { servername: host } : {}
    const socket = transport === 'tls' ? connectTls({ host, port, ca, ...named }) : connect({ host, port })
    open = socket.setKeepAlive(true)
    try {
      await once(socket, transport === 'tls' ? 'secureConnect' : 'connect', {
        signal: AbortSignal.timeout(connectMilliseconds),
      })
    } catch (error) {
      socket.destroy()
      throw error
    }
    // A server has nothing to say: the only thing to read is the end.
    socket.resume().on('end', () => socket.destroy())
    socket.on('error', () => undefined) // the next delivery opens a new connection
    return socket
  }
  return {
    name,
    async deliver(lines) {
      const socket = await connected()
      await new Promise<void>((resolve, reject) => {
        const fail = (): void => reject(new Error('the connection ended'))
        const giveUp = (): void => {
          reject(new Error(`it has taken nothing for ${patienceMilliseconds / 1000} s`))
          socket.destroy()
        }
        socket.once('close', fail).setTimeout(patienceMilliseconds, giveUp)
        socket.write(write(lines), (error) => {
          socket.off('close', fail).setTimeout(0, giveUp)
          if (error == null) resolve()
          else reject(error)
        })
      })
    },
    async close() {
      if (open === undefined || open.destroyed) return
      open.end()
      await once(open, 'close', { signal: AbortSignal.timeout(1000) }).catch(() => open?.destroy())
    },
  }
}
