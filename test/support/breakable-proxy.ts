import { connect, createServer, type Server, type Socket } from 'node:net'

/** Forwards TCP until it is broken, and again after it is mended. */
export interface BreakableProxy {
  readonly port: number
  /** Cuts every connection; new ones are refused. */
  break(): Promise<void>
  /** Does that as soon as somebody sends this text, which does not arrive. */
  breakAt(text: string): void
  mend(): Promise<void>
  /** Resolves when each connection that there is now has been closed by both ends. */
  ended(): Promise<void>
  /** Directs new connections elsewhere. */
  lead(elsewhere: Target): void
}

interface Target {
  readonly host: string
  readonly port: number
}

/** Starts in front of a port on this machine. */
export async function startBreakableProxy(first: Target): Promise<BreakableProxy> {
  let target = first
  const sockets = new Set<Socket>()
  let server: Server
  let fatal: string | undefined
  const cut = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  const listen = async (port: number): Promise<void> => {
    server = createServer((near) => {
      const far = connect(target)
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket)
        // A cut connection is the subject of the tests.
        socket.on('error', () => other.destroy()).on('close', () => sockets.delete(socket))
        socket.pipe(other)
      }
      near.prependListener('data', (chunk: Buffer) => {
        if (fatal !== undefined && chunk.includes(fatal)) void cut()
      })
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  }
  await listen(0)
  const { port } = server!.address() as { port: number }
  return {
    port,
    break: cut,
    breakAt(text) {
      fatal = text
    },
    mend: () => listen(port),
    async ended() {
      await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    },
    lead(elsewhere) {
      target = elsewhere
    },
  }
}
