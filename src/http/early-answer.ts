import { type IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

/**
 * A response that may begin while its request is still being sent. Its connection is not used again, since some
 * proxies send the next request before they have sent all of this one (HAProxy with HTTP/2 in front), and it
 * stays open for the rest of the request, since whoever is still sending would not see the answer otherwise.
 */
export class EarlyAnswer<Request extends IncomingMessage> extends ServerResponse<Request> {
  override writeHead(status: number, reason?: never, headers?: never): this {
    if (!this.req.complete && hasBody(this.req)) closeAfterRequest(this)
    return super.writeHead(status, reason, headers)
  }
}

/** Without a body Node calls the handler before it marks a request as complete. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** For how long the rest may take is limited, as for every request. */
function closeAfterRequest(res: ServerResponse): void {
  const { req } = res
  const { socket } = req
  res.shouldKeepAlive = false
  // With this Node closes a connection after its last answer.
  socket.destroySoon = () => {
    const close = (): void => Socket.prototype.destroySoon.call(socket)
    if (req.complete) return close()
    socket.end()
    req.once('end', close).resume()
  }
}
