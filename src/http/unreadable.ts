import type { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** What arrived on a connection instead of a request. No secrets. */
export interface Unreadable {
  /** The peer, which may be a proxy; undefined if it has disconnected. */
  readonly address: string | undefined
  /** The code that Node or OpenSSL has for it. */
  readonly code: string
  /** What is wrong with it, for the operator. */
  readonly reason: string
}

interface ClientError extends Error {
  readonly code?: string
  /** In the words of the parser, or of OpenSSL. */
  readonly reason?: string
  /** What could not be parsed. May contain secrets. */
  readonly rawPacket?: Uint8Array
}

type Emit = (event: string, first?: unknown, second?: unknown, third?: unknown) => boolean

/**
 * The peer left in the middle of a request, as the probes of load balancers do, or the system has given it up, such as
 * ETIMEDOUT: nothing that it sent is the reason.
 */
const gone = /^(?:HPE_INVALID_EOF_STATE|E[A-Z\d]+)$/

const reasons: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'its head is larger than limits.headerBytes',
  HPE_PAUSED_H2_UPGRADE: 'it is HTTP/2, and only HTTP/1.1 is spoken here',
  ERR_HTTP_REQUEST_TIMEOUT: 'it took longer than limits.headSeconds or limits.requestSeconds',
  ERR_SSL_HTTP_REQUEST: 'it is plain HTTP, and only HTTPS is spoken here',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'its TLS handshake took longer than limits.headSeconds',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the client does not trust the certificate',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN': 'the client does not accept the certificate',
  'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE': 'the client does not accept the certificate',
}

/** The first byte of a TLS handshake (RFC 8446 section 5.1). */
const handshakeByte = 22

/**
 * Reports what Node refuses by itself, so that nothing else sees it: what is not HTTP, too large or too slow, and
 * failed TLS handshakes. Connections on which nothing was sent are not reported, unless a handshake was due on them.
 */
export function reportUnreadable(server: Server, report: (unreadable: Unreadable) => void): void {
  // A listener would have to answer in place of Node.
  const emit: Emit = (server as EventEmitter).emit.bind(server)
  const observed: Emit = (event, first, second, third) => {
    if (event === 'clientError') {
      const unreadable = describe(first as ClientError, second as Socket)
      if (unreadable !== undefined) report(unreadable)
    }
    return emit(event, first, second, third)
  }
  Object.assign(server, { emit: observed })
}

function describe(error: ClientError, socket: Socket): Unreadable | undefined {
  const { code = error.name, reason = 'it cannot be read' } = error
  if (gone.test(code) || (code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0)) return undefined
  const { remoteAddress: address } = socket
  if (code.startsWith('HPE_') && error.rawPacket?.[0] === handshakeByte)
    return { address, code, reason: 'it is TLS, and only plain HTTP is spoken here' }
  return { address, code, reason: reasons[code] ?? reason.toLowerCase() }
}
