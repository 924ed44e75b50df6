import type { Socket } from 'node:net'

/**
 * Reads 256 kB at most ten times a second for a number of milliseconds, and then the rest: so much at a time that
 * the system tells the other side of it. Returns how many bytes have come.
 */
export function readSlowly(client: Socket, milliseconds: number): () => number {
  const began = performance.now()
  let [read, sincePause] = [0, 0]
  client.on('data', ({ length }) => {
    read += length
    sincePause += length
    if (sincePause < 1 << 18 || performance.now() - began > milliseconds) return
    sincePause = 0
    client.pause()
    setTimeout(() => client.resume(), 100)
  })
  client.resume()
  return () => read
}
