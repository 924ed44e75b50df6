import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { listen } from './listen.ts'

/** One request as an MCP server received it. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Answers a request that has been read. */
type Answer = (request: SeenRequest, res: ServerResponse) => unknown

/** An MCP server that remembers everything that it received. */
export interface SpyUpstream {
  readonly url: string
  readonly seen: SeenRequest[]
  /** Changes the answer from now on. */
  answerWith(answer: Answer): void
  /** The current answer. */
  readonly answer: Answer
  /** How many requests their client left before the answer ended. */
  readonly aborted: () => number
  close(): Promise<void>
}

/** Answers every JSON-RPC request with its own method, and notifications with 202. */
export const echo: Answer = ({ body }, res) => {
  const message = body === '' ? {} : (JSON.parse(body) as { id?: unknown; method?: string })
  if (message.id === undefined) {
    res.writeHead(202).end()
    return
  }
  const result = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { echo: message.method } })
  res.writeHead(200, { 'content-type': 'application/json' }).end(result)
}

/** Starts the spy. */
export async function startSpyUpstream(): Promise<SpyUpstream> {
  const seen: SeenRequest[] = []
  let answer = echo
  let aborted = 0
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    res.on('close', () => {
      if (!res.writableFinished) aborted++
    })
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const { method = '', url = '', headers } = req
      const request = { method, url, headers, body: Buffer.concat(chunks).toString() }
      seen.push(request)
      answer(request, res)
    })
  })
  const listening = await listen(server)
  return {
    url: `${listening.url}/mcp`,
    seen,
    get answer() {
      return answer
    },
    answerWith(next) {
      answer = next
    },
    aborted: () => aborted,
    close: listening.close,
  }
}
