import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listen } from './listen.ts'

/**
 * A legacy MCP server that keeps sessions, is slow to answer calls, and sends something on each stream now
 * and then.
 */
export interface SessionServer {
  readonly url: string
  /** How many sessions were opened. */
  readonly opened: () => number
  close(): Promise<void>
}

const callMilliseconds = 60
const tickMilliseconds = 50

/** Starts it on loopback. */
export async function startSessionServer(): Promise<SessionServer> {
  const sessions = new Set<string>()
  const streams = new Set<ServerResponse>()
  const answer = (res: ServerResponse, id: unknown, result: object, session = ''): void => {
    const headers = session === '' ? {} : { 'mcp-session-id': session }
    res.writeHead(200, { 'content-type': 'application/json', ...headers })
    res.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of req) chunks.push(chunk as Buffer)
    } catch {
      return // the client is gone
    }
    const session = String(req.headers['mcp-session-id'])
    const { id, method } =
      chunks.length === 0
        ? {}
        : (JSON.parse(Buffer.concat(chunks).toString()) as { id?: unknown; method?: string })
    if (method === 'initialize') {
      const name = `session-${sessions.size + 1}`
      sessions.add(name)
      const serverInfo = { name: 'sessions', version: '1' }
      answer(
        res,
        id,
        { protocolVersion: '2025-11-25', capabilities: { tools: {}, logging: {} }, serverInfo },
        name,
      )
    } else if (!sessions.has(session)) res.writeHead(404).end()
    else if (req.method === 'GET') {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n')
      streams.add(res)
      res.once('close', () => streams.delete(res))
    } else if (id === undefined) res.writeHead(202).end()
    else if (method === 'tools/call')
      setTimeout(() => answer(res, id, { content: [{ type: 'text', text: session }] }), callMilliseconds)
    else answer(res, id, {})
  }
  const server = createServer((req, res) => void serve(req, res))
  const tick = setInterval(() => {
    const message = {
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { level: 'info', data: 'tick' },
    }
    for (const stream of streams) stream.write(`data: ${JSON.stringify(message)}\n\n`)
  }, tickMilliseconds)
  const listening = await listen(server)
  return {
    url: `${listening.url}/mcp`,
    opened: () => sessions.size,
    async close() {
      clearInterval(tick)
      await listening.close()
    },
  }
}
