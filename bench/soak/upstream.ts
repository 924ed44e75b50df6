/**
 * The MCP server of the soak, of both eras: answers at once with who asked and what for, notifies on open streams, and
 * misbehaves when a request says so. `node bench/soak/upstream.ts PORT NOTIFY_SECONDS [swap,lose]`
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Fault } from './faults.ts'
import { type Mark, writeMark } from './marks.ts'

interface Params {
  readonly name?: string
  readonly cursor?: string
  readonly uri?: string
  readonly arguments?: { readonly number: number; readonly fault?: Fault }
  readonly clientInfo?: { readonly name: string }
}

interface Asked {
  readonly user: string
  readonly id: number
  readonly number: number
  readonly method: string
  readonly params: Params
}

interface Session {
  readonly user: string
  readonly stream: number
}

const [port, notifySeconds, sabotage = ''] = process.argv.slice(2)
const sessions = new Map<string, Session>()
const names = new Map<string, string>()
const filler = 'x'.repeat(65_536)
const slowPieces = 5
const slowPieceMilliseconds = 300
let opened = 0
let calls = 0
let held: { readonly asked: Asked; readonly res: ServerResponse } | undefined

/** The server has no life of its own: it ends with the process that started it. */
process.stdin.resume().once('end', () => process.exit())

createServer((req, res) => {
  const user = userOf(req)
  if (req.method === 'GET') return openStream(req, res, user)
  if (req.method === 'DELETE') {
    sessions.delete(sessionOf(req))
    return res.writeHead(204).end()
  }
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => answer(req, res, { user, body: Buffer.concat(chunks).toString() }))
}).listen(Number(port), '127.0.0.1')

/** The gate says in its identity token who asks. */
function userOf({ headers: { authorization = '' } }: IncomingMessage): string {
  const known = names.get(authorization)
  if (known !== undefined) return known
  const payload = Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString()
  const { sub } = JSON.parse(payload) as { sub: string }
  if (names.size >= 10_000) names.clear()
  names.set(authorization, sub)
  return sub
}

function sessionOf(req: IncomingMessage): string {
  return String(req.headers['mcp-session-id'])
}

function answer(req: IncomingMessage, res: ServerResponse, { user, body }: { user: string; body: string }) {
  const { id, method, params = {} } = JSON.parse(body) as { id?: number; method: string; params?: Params }
  if (id === undefined) return res.writeHead(202).end()
  if (method === 'initialize') return openSession(res, { id, user, params })
  const session = sessions.get(sessionOf(req))
  if (req.headers['mcp-session-id'] !== undefined && session === undefined) {
    return sendJson(
      res,
      JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32_600, message: 'gone' } }),
      404,
    )
  }
  const number = params.arguments?.number ?? Number(params.cursor ?? params.uri?.slice('soak://'.length))
  // A session of somebody else would be a crossing of its own.
  const name = session === undefined || session.user === user ? user : 'stranger'
  const asked = { user: name, id, number, method, params }
  if (method === 'subscriptions/listen') return notify(res, name, id)
  if (params.arguments?.fault !== undefined) return misbehave(params.arguments.fault, asked, res)
  if (params.name === 'progress') return streamAnswer(res, asked)
  if (sabotage !== '' && params.name === 'echo' && spoil(asked, res)) return
  sendJson(res, answerTo(asked))
}

function answerTo(asked: Asked): string {
  const mark = markOf(asked, 'r')
  return `{"jsonrpc":"2.0","id":${asked.id},"result":${resultOf(asked, mark)}}`
}

function resultOf({ method, params, number }: Asked, mark: string): string {
  if (method === 'tools/list') return `{"tools":[{"name":"${mark}","inputSchema":{"type":"object"}}]}`
  if (method === 'resources/read') {
    // One in fifty is too large for one packet.
    const text = number % 50 === 0 ? filler : 'x'
    return `{"contents":[{"uri":"${params.uri}","text":"${mark} ${text}"}]}`
  }
  return `{"content":[{"type":"text","text":"${mark}"}]}`
}

function markOf({ user, number }: Asked, part: Mark['part']): string {
  return writeMark(user, number, part)
}

function sendJson(res: ServerResponse, body: string, status = 200): void {
  res
    .writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
    .end(body)
}

function beginEvents(res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }).flushHeaders()
}

function progress(asked: Asked, step: number): string {
  return `event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${asked.id},"progress":${step},"message":"${markOf(asked, 'p')}"}}\n\n`
}

function streamAnswer(res: ServerResponse, asked: Asked): void {
  beginEvents(res)
  res.write(progress(asked, 1))
  setTimeout(() => res.write(progress(asked, 2)), 5)
  setTimeout(() => res.end(`event: message\ndata: ${answerTo(asked)}\n\n`), 10)
}

function openSession(
  res: ServerResponse,
  { id, user, params }: { id: number; user: string; params: Params },
): void {
  const session = `${user}.${++opened}`
  sessions.set(session, { user, stream: Number(params.clientInfo?.name) })
  res.setHeader('Mcp-Session-Id', session)
  const result = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    serverInfo: { name: 'soak', version: '1' },
  }
  sendJson(res, JSON.stringify({ jsonrpc: '2.0', id, result }))
}

function openStream(req: IncomingMessage, res: ServerResponse, user: string): void {
  const session = sessions.get(sessionOf(req))
  if (session === undefined) return void res.writeHead(404).end()
  notify(res, session.user === user ? user : 'stranger', session.stream)
}

/** Sends a notification at once, and then again and again until the stream is closed. */
function notify(res: ServerResponse, user: string, stream: number): void {
  beginEvents(res)
  let place = 0
  const send = (): void => {
    const params = `{"_meta":{"io.modelcontextprotocol/subscriptionId":${stream},"mark":"${writeMark(user, stream, 'n', place++)}"}}`
    res.write(
      `event: message\ndata: {"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":${params}}\n\n`,
    )
  }
  send()
  const timer = setInterval(send, Number(notifySeconds) * 1000)
  res.once('close', () => clearInterval(timer))
}

function misbehave(fault: Fault, asked: Asked, res: ServerResponse): void {
  const right = answerTo(asked)
  switch (fault) {
    case 'error': {
      const error = { code: -32_603, message: markOf(asked, 'e') }
      return sendJson(res, JSON.stringify({ jsonrpc: '2.0', id: asked.id, error }), 500)
    }
    case 'cut before':
      return void res.req.socket.destroy()
    case 'cut json':
      res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': right.length })
      return void res.write(right.slice(0, right.length / 2), () => res.req.socket.destroy())
    case 'cut stream':
      beginEvents(res)
      return void res.write(progress(asked, 1), () => res.req.socket.destroy())
    case 'cut event':
      beginEvents(res)
      return void res.write(progress(asked, 1).slice(0, -20), () => res.req.socket.destroy())
    case 'hang':
      return
    case 'garbage':
      return void res.req.socket.end(`${markOf(asked, 'x')}\r\n\r\n`)
    case 'html':
      return void res.writeHead(200, { 'Content-Type': 'text/html' }).end(`<p>${markOf(asked, 'x')}</p>`)
    case 'broken json':
      return sendJson(res, `{"jsonrpc" ${markOf(asked, 'x')}`)
    case 'slow':
    case 'leave':
      return trickle(res, right)
  }
}

function trickle(res: ServerResponse, body: string): void {
  const size = Math.ceil(body.length / slowPieces)
  res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length })
  for (let piece = 0; piece < slowPieces; piece++) {
    const text = body.slice(piece * size, (piece + 1) * size)
    const isLast = piece === slowPieces - 1
    setTimeout(() => (isLast ? res.end(text) : res.write(text)), piece * slowPieceMilliseconds)
  }
}

/** Does once, and without saying so, what the soak must notice: gives two answers to each other's askers, or loses one. */
function spoil(asked: Asked, res: ServerResponse): boolean {
  calls++
  if (sabotage.includes('lose') && calls === 10) {
    sendJson(res, '')
    return true
  }
  if (!sabotage.includes('swap') || calls < 20) return false
  if (calls === 20) {
    held = { asked, res }
    return true
  }
  if (held === undefined || held.asked.user === asked.user) return false
  sendJson(held.res, answerTo(asked))
  sendJson(res, answerTo(held.asked))
  held = undefined
  return true
}
