/**
 * The Streamable HTTP server of the soak test: answers at once with who asked and what for, notifies on open
 * streams, and misbehaves if a request says so. `/both` supports both eras, `/modern` and `/legacy` one.
 * `node streamable.ts PORT NOTIFY_SECONDS [swap,lose]`
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { writeMark } from '../marks.ts'
import {
  type Asked,
  acknowledge,
  answerTo,
  changeOf,
  eraOf,
  type Message,
  openingOf,
  progressOf,
  readAsked,
  readStream,
  unknownMethod,
} from './answers.ts'
import { readBody, userOf } from './identity.ts'
import { misbehave } from './misbehave.ts'

/** A request with its user: somebody else if anything contradicts it. */
interface Turn {
  readonly asked: Asked
  readonly user: string
  readonly res: ServerResponse
}

interface Session {
  readonly user: string
  /** 0 if it is for all streams of the user. */
  readonly stream: number
}

const [port, notifySeconds, sabotage = ''] = process.argv.slice(2)
const sessions = new Map<string, Session>()
let opened = 0
let calls = 0
let held: Turn | undefined

/** The server ends with the process that started it. */
process.stdin.resume().once('end', () => process.exit())

createServer((req, res) => {
  const user = userOf(req)
  if (req.method === 'GET') return openStream(req, res, user)
  if (req.method === 'DELETE') {
    sessions.delete(sessionOf(req))
    return res.writeHead(204).end()
  }
  return void readBody(req).then((body) => answer(req, res, JSON.parse(body) as Message))
}).listen(Number(port), '127.0.0.1')

function sessionOf(req: IncomingMessage): string {
  return String(req.headers['mcp-session-id'])
}

function answer(req: IncomingMessage, res: ServerResponse, message: Message): void {
  const { id, method } = message
  const user = userOf(req)
  const era = eraOf(message)
  const understands = req.url === '/both' || req.url === `/${era}`
  if (id === undefined) return void res.writeHead(202).end()
  if (method === 'initialize' && understands) return openSession(res, message, user)
  if (method === 'initialize' || (method === 'server/discover' && !understands))
    return sendJson(res, unknownMethod(message), 400)
  if (method === 'server/discover') return sendJson(res, openingOf(message))
  const session = sessions.get(sessionOf(req))
  if (era === 'legacy' && session === undefined) return sendJson(res, unknownMethod(message), 404)
  // Using somebody else's session would also be a mix-up.
  const isTheirs = understands && (session === undefined || session.user === user)
  if (method === 'subscriptions/listen') return listen(res, message, isTheirs ? user : 'stranger')
  const asked = readAsked(message)
  const turn = { asked, user: isTheirs && asked.claimed === user ? user : 'stranger', res }
  if (misbehave(turn)) return
  if (asked.params.name === 'progress') return streamAnswer(turn)
  // If the gateway translates, it would notice by itself.
  if (sabotage !== '' && req.url === '/both' && asked.params.name === 'echo' && spoil(turn)) return
  sendJson(res, answerTo(asked, turn.user))
}

function sendJson(res: ServerResponse, body: string, status = 200): void {
  res
    .writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
    .end(body)
}

function beginEvents(res: ServerResponse): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }).flushHeaders()
}

function event(message: string): string {
  return `event: message\ndata: ${message}\n\n`
}

function streamAnswer({ asked, user, res }: Turn): void {
  beginEvents(res)
  res.write(event(progressOf(asked, user, 1)))
  setTimeout(() => res.write(event(progressOf(asked, user, 2))), 5)
  setTimeout(() => res.end(event(answerTo(asked, user))), 10)
}

function openSession(res: ServerResponse, message: Message, user: string): void {
  const session = `${user}.${++opened}`
  sessions.set(session, { user, stream: readStream(message)?.stream ?? 0 })
  res.setHeader('Mcp-Session-Id', session)
  sendJson(res, openingOf(message))
}

function openStream(req: IncomingMessage, res: ServerResponse, user: string): void {
  const session = sessions.get(sessionOf(req))
  if (session === undefined) return void res.writeHead(404).end()
  beginEvents(res)
  const name = session.user === user ? user : 'stranger'
  notify(res, (place) => changeOf(writeMark(name, session.stream, 'n', place)))
}

function listen(res: ServerResponse, message: Message, user: string): void {
  const stream = readStream(message)
  const name = stream?.user === user ? user : 'stranger'
  beginEvents(res)
  res.write(event(acknowledge(message.id)))
  notify(res, (place) => changeOf(writeMark(name, stream?.stream ?? 0, 'n', place), message.id))
}

/** Sends a notification at once, and then repeatedly until the stream is closed. */
function notify(res: ServerResponse, write: (place: number) => string): void {
  let place = 0
  const send = (): void => void res.write(event(write(place++)))
  send()
  const timer = setInterval(send, Number(notifySeconds) * 1000)
  res.once('close', () => clearInterval(timer))
}

/**
 * Does once, without saying so, what the soak test must notice: swaps the answers of two users, or loses one.
 */
function spoil(turn: Turn): boolean {
  calls++
  if (sabotage.includes('lose') && calls === 10) {
    sendJson(turn.res, '')
    return true
  }
  if (!sabotage.includes('swap') || calls < 20) return false
  if (calls === 20) {
    held = turn
    return true
  }
  if (held === undefined || held.user === turn.user) return false
  sendJson(held.res, answerTo(turn.asked, turn.user))
  sendJson(turn.res, answerTo(held.asked, held.user))
  held = undefined
  return true
}
