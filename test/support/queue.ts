import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { listen } from './listen.ts'

/**
 * A proxy in front of a server that cannot do two things at once: each request waits for the answer to the
 * previous one.
 */
export interface Queue {
  readonly url: string
  close(): Promise<void>
}

/** Starts it, in front of a loopback port. */
export async function startQueue(port: number): Promise<Queue> {
  let last: Promise<unknown> = Promise.resolve()
  const forward = async (req: IncomingMessage, body: Buffer, res: ServerResponse): Promise<void> => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { method, url, headers } = req
      const asked = request({ host: '127.0.0.1', port, method, path: url, headers, agent: false }, resolve)
      asked.once('error', reject).end(body)
    })
    res.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
    res.end(await buffer(answer))
  }
  const server = createServer((req, res) => {
    const body = buffer(req)
    const before = last
    last = body
      .then(async (sent) => {
        await before
        await forward(req, sent, res)
      })
      .catch(() => res.destroy()) // the client or the server is gone
  })
  const listening = await listen(server)
  return {
    url: listening.url,
    close: listening.close,
  }
}
