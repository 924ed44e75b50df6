import { type AddressInfo, createServer, type Socket } from 'node:net'

/** A server that answers with the bytes that it is given, right or wrong. */
export interface RawServer {
  readonly origin: URL
  /** What was received, by connection. */
  readonly received: string[]
  /** Called with each chunk that is received, and the index of the connection. */
  onData: (socket: Socket, connection: number) => void
  readonly close: () => void
}

/** Starts one. It answers nothing until `onData` is set. */
export async function startRawServer(): Promise<RawServer> {
  const sockets: Socket[] = []
  const received: string[] = []
  const server = createServer((socket) => {
    const connection = sockets.push(socket) - 1
    received[connection] = ''
    socket.on('error', () => {}) // the client may leave at any time
    socket.on('data', (chunk) => {
      received[connection] += chunk.toString('latin1')
      raw.onData(socket, connection)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const raw: RawServer = {
    origin: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    received,
    onData() {},
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return raw
}
