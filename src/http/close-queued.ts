import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

/**
 * Closes responses that wait for an earlier one on their connection (HTTP pipelining) when that connection
 * closes. Node before 24.16 tells only the first of them that its client is gone; the others would count as
 * running forever.
 */
export function closeQueued(server: Pick<Server, 'prependListener'>): void {
  const queues = new WeakMap<Socket, Set<ServerResponse>>()
  server.prependListener('request', ({ socket }: IncomingMessage, res: ServerResponse) => {
    if (res.socket !== null) return
    const queue = queues.get(socket) ?? openQueue(socket)
    queues.set(socket, queue.add(res))
    res.once('close', () => queue.delete(res))
  })
}

function openQueue(socket: Socket): Set<ServerResponse> {
  const queue = new Set<ServerResponse>()
  socket.once('close', () => {
    for (const res of queue) if (!res.closed && res.socket === null) closeUnsent(res)
  })
  return queue
}

/** A response ends when its connection does, so it is given a new connection that is already closed. */
function closeUnsent(res: ServerResponse): void {
  res.assignSocket(new Socket().destroy())
}
