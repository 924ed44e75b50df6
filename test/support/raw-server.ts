import { createServer, type Socket } from 'node:net'
import { listen } from './listen.ts'

/** A server that answers with the bytes that it is given, right or wrong. */
export interface RawServer {
  readonly origin: URL
  /** What was received, by connection. */
  readonly received: string[]
  /** Called with each chunk that is received, and the index of the connection. */
  onData: (socket: Socket, connection: number) => void
  readonly close: () => Promise<void>
}

/** Starts one. It answers nothing until `onData` is set. */
export async function startRawServer(): Promise<RawServer> {
  let connections = 0
  const received: string[] = []
  const server = createServer((socket) => {
    const connection = connections++
    received[connection] = ''
    socket.on('error', () => {}) // the client may leave at any time
    socket.on('data', (chunk) => {
      received[connection] += chunk.toString('latin1')
      raw.onData(socket, connection)
    })
  })
  const listening = await listen(server)
  const raw: RawServer = {
    origin: new URL(listening.url),
    received,
    onData() {},
    close: listening.close,
  }
  return raw
}
