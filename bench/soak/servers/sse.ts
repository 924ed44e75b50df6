/** The HTTP+SSE server of the soak test: `node sse.ts PORT NOTIFY_SECONDS`. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Message } from './answers.ts'
import { readBody, userOf } from './identity.ts'
import { startTalk, type Talk } from './talk.ts'

interface Stream {
  readonly user: string
  readonly talk: Talk
}

const [port, notifySeconds] = process.argv.slice(2)
const streams = new Map<string, Stream>()
let opened = 0

/** The server ends with the process that started it. */
process.stdin.resume().once('end', () => process.exit())

createServer((req, res) => {
  const { pathname, searchParams } = new URL(req.url ?? '', 'http://server')
  if (req.method === 'GET' && pathname === '/sse') return openStream(res, userOf(req))
  const stream = pathname === '/post' ? streams.get(searchParams.get('stream') ?? '') : undefined
  // A POST to the stream itself is a probe by the gateway, which finds out that this is not its transport.
  if (stream === undefined) return void res.writeHead(pathname === '/sse' ? 405 : 404).end()
  return void take(req, res, stream)
}).listen(Number(port), '127.0.0.1')

async function take(req: IncomingMessage, res: ServerResponse, { user, talk }: Stream): Promise<void> {
  const message = JSON.parse(await readBody(req)) as Message
  res.writeHead(userOf(req) === user ? 202 : 403).end()
  if (userOf(req) === user) talk.hear(message)
}

function openStream(res: ServerResponse, user: string): void {
  const id = String(++opened)
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
  res.write(`event: endpoint\ndata: /post?stream=${id}\n\n`)
  const talk = startTalk({
    era: 'legacy',
    notifySeconds: Number(notifySeconds),
    say: (message) => void res.write(`event: message\ndata: ${message}\n\n`),
    makeNoise: () => void res.write(': nothing\n\nevent: rumour\ndata: {}\n\n'),
    whoIs: (claimed) => (claimed === user ? user : 'stranger'),
    owner: () => user,
  })
  streams.set(id, { user, talk })
  res.once('close', () => {
    streams.delete(id)
    talk.end()
  })
}
