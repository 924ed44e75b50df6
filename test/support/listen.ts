import type { AddressInfo, Server, Socket } from 'node:net'
import type { Closing } from './close-after-tests.ts'

/** A server that listens on a free port of loopback. */
export interface Listening {
  readonly port: number
  /** Its origin, if it speaks HTTP. */
  readonly url: string
  /** Ends it with all its connections. */
  readonly close: () => Promise<void>
}

/** Lets a server listen, until it is closed or `test` is over. */
export async function listen(server: Server, test?: Closing): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  test?.after(close)
  return { port, url: `http://127.0.0.1:${port}`, close }
}
