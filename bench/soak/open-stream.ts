import { Agent, type IncomingMessage, request } from 'node:http'
import { type Era, type Message, writeInitialize, writeInitialized, writeListen } from './messages.ts'
import type { User } from './users.ts'

/** A stream that is open, and how to get away from it. */
export interface OpenStream {
  readonly body: IncomingMessage
  close(): void
}

/** A stream, or a session, that was refused. */
export class StreamRefused extends Error {
  readonly status: number

  constructor(status: number) {
    super(`answered ${status}`)
    this.status = status
  }
}

/** Its connections end soon after their last request. */
const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 2000 })
const patienceMilliseconds = 10_000

/** Opens the session in which a user's requests of the legacy era are made. Throws StreamRefused. */
export async function openSession(url: string, user: User, stream: number): Promise<string> {
  const opening = await exchange(url, writeInitialize(user, stream))
  const session = opening.headers['mcp-session-id']
  if (opening.statusCode !== 200 || typeof session !== 'string')
    throw new StreamRefused(opening.statusCode ?? 0)
  const { statusCode = 0 } = await exchange(url, writeInitialized(user, session))
  if (statusCode !== 202) throw new StreamRefused(statusCode)
  return session
}

/** Opens a stream of an era, on a connection of its own. Throws StreamRefused. */
export async function openStream(url: string, user: User, number: number, era: Era): Promise<OpenStream> {
  if (era === 'modern') {
    const body = await send(url, { method: 'POST', message: writeListen(user, number), agent: false })
    return { body: await accept(body), close: () => body.destroy() }
  }
  const session = await openSession(url, user, number)
  const headers = ['authorization', `Bearer ${user.token}`, 'mcp-session-id', session]
  const message = { headers: [...headers, 'accept', 'text/event-stream'], body: '' }
  const body = await send(url, { method: 'GET', message, agent: false })
  return {
    body: await accept(body),
    close() {
      body.destroy()
      const own = ['authorization', `Bearer ${user.token}`, 'mcp-session-id', session]
      send(url, { method: 'DELETE', message: { headers: own, body: '' }, agent })
        .then((answer) => answer.resume())
        .catch(() => {}) // then the server keeps a session that nobody uses
    },
  }
}

async function accept(answer: IncomingMessage): Promise<IncomingMessage> {
  if (answer.statusCode === 200) return answer
  answer.resume()
  throw new StreamRefused(answer.statusCode ?? 0)
}

async function exchange(url: string, message: Message): Promise<IncomingMessage> {
  const answer = await send(url, { method: 'POST', message, agent })
  answer.resume()
  return answer
}

interface Sending {
  readonly method: string
  readonly message: Message
  readonly agent: Agent | false
}

/** Resolves with the head of the answer. */
function send(url: string, { method, message, agent: over }: Sending): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(url)
    const headers = ['host', host, ...message.headers]
    if (message.body !== '') headers.push('content-length', String(message.body.length))
    const outgoing = request({ hostname, port, path: '/mcp', method, headers, agent: over }, (answer) => {
      clearTimeout(timer)
      resolve(answer)
    })
    const timer = setTimeout(() => outgoing.destroy(new Error('no head')), patienceMilliseconds)
    outgoing.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    outgoing.end(message.body)
  })
}
