import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** A server that counts the TCP connections that reach it, whatever happens to them. */
export interface CountingListener {
  readonly port: number
  readonly connections: () => number
  close(): Promise<void>
}

interface ListenerOptions {
  readonly host?: string
  /** A free one by default. */
  readonly port?: number
  /** Makes it use TLS. */
  readonly tls?: { readonly key: string; readonly cert: string }
  readonly answer?: RequestListener
}

/** Listens on a loopback address. */
export async function countingListener({
  host = '127.0.0.1',
  port = 0,
  tls,
  answer = (_req, res) => void res.end('{}'),
}: ListenerOptions = {}): Promise<CountingListener> {
  const server: Server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer)
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
