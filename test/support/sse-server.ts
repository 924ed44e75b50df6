import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { listen } from './listen.ts'

/** One stream of an SSE server that is played by a test, and what was posted to its endpoint. */
export interface SseStream {
  readonly headers: IncomingHttpHeaders
  readonly posted: { readonly message: Record<string, unknown>; readonly headers: IncomingHttpHeaders }[]
  say(message: object): void
  raw(text: string): void
  end(): void
  closed: boolean
}

/** A server of HTTP+SSE. */
export interface SseServer {
  readonly url: string
  readonly streams: SseStream[]
  /**
   * The content of the first event; with undefined there is none. `{n}` stands for the number of the stream.
   */
  endpoint: string | undefined
  /** The status of the answers to posts. */
  postStatus: number
  /** Called with each message that was posted. */
  onPost: (message: Record<string, unknown>, stream: SseStream) => void
  close(): Promise<void>
}

/** Answers every request with its own method, as the first answer to `initialize` has to be. */
export function answerAll(message: Record<string, unknown>, stream: SseStream): void {
  if (message['id'] === undefined || message['method'] === undefined) return
  const opening = {
    protocolVersion: '2024-11-05',
    capabilities: {},
    serverInfo: { name: 'sse', version: '1' },
  }
  const result = message['method'] === 'initialize' ? opening : { echo: message['method'] }
  stream.say({ id: message['id'], result })
}

/** Starts one. */
export async function startSseServer(): Promise<SseServer> {
  const streams: SseStream[] = []
  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '', 'http://server')
    if (req.method === 'GET' && pathname === '/sse') return open(res, req.headers)
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const stream = streams[Number(searchParams.get('n'))]
      if (req.method !== 'POST' || pathname !== '/post' || stream === undefined)
        return res.writeHead(404).end()
      const message = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
      stream.posted.push({ message, headers: req.headers })
      res.writeHead(self.postStatus).end('Accepted')
      if (self.postStatus < 300) self.onPost(message, stream)
      return undefined
    })
    return undefined
  })
  const open = (res: ServerResponse, headers: IncomingHttpHeaders): void => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    const stream: SseStream = {
      headers,
      posted: [],
      closed: false,
      say: (message) =>
        stream.raw(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`),
      raw: (text) => void res.write(text),
      end: () => void res.end(),
    }
    res.on('close', () => {
      stream.closed = true
    })
    const number = streams.push(stream) - 1
    if (self.endpoint === undefined) return
    stream.raw(`event: endpoint\ndata: ${self.endpoint.replaceAll('{n}', String(number))}\n\n`)
  }
  const listening = await listen(server)
  const self: SseServer = {
    url: `${listening.url}/sse`,
    streams,
    endpoint: '/post?n={n}',
    postStatus: 202,
    onPost: answerAll,
    close: listening.close,
  }
  return self
}
