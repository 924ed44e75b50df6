import { Agent, type IncomingMessage, request } from 'node:http'
import type { Era } from './lanes.ts'
import { type Message, writeInitialize, writeInitialized, writeListen } from './messages.ts'
import { credentialsOf, type User } from './users.ts'

/** An open stream, and how to leave it. */
export interface OpenStream {
  readonly body: IncomingMessage
  /** When the token with which it was opened expires: by then its user may have another one. */
  readonly expiresAt: number
  close(): void
}

/** A stream or a session was refused. */
export class StreamRefused extends Error {
  readonly status: number

  constructor(status: number) {
    super(`answered ${status}`)
    this.status = status
  }
}

/** Its connections are closed soon after their last request. */
const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 2000 })
const patienceMilliseconds = 15_000

/** Opens the session in which a user's requests of the legacy era are made. Throws StreamRefused. */
export async function openSession(user: User, stream: number): Promise<string> {
  const opening = await exchange(user, writeInitialize(user, stream))
  const session = opening.headers['mcp-session-id']
  if (opening.statusCode !== 200 || typeof session !== 'string')
    throw new StreamRefused(opening.statusCode ?? 0)
  const { statusCode = 0 } = await exchange(user, writeInitialized(session))
  if (statusCode !== 202) throw new StreamRefused(statusCode)
  return session
}

/** Ends a session. If that fails, the server keeps one that nobody uses. */
export async function endSession(user: User, session: string): Promise<void> {
  const message = { headers: ['mcp-session-id', session], body: '' }
  try {
    ;(await send(user, { method: 'DELETE', message, over: agent })).resume()
  } catch {
    // The gateway is gone, or too busy to answer: what it keeps is counted at the end.
  }
}

/** Opens a stream of an era, on a separate connection. Throws StreamRefused. */
export async function openStream(user: User, number: number, era: Era): Promise<OpenStream> {
  if (era === 'modern') {
    const { expiresAt } = user
    const body = await send(user, { method: 'POST', message: writeListen(user, number), over: false })
    return { body: await accept(body), expiresAt, close: () => body.destroy() }
  }
  const session = await openSession(user, number)
  const message = { headers: ['mcp-session-id', session, 'accept', 'text/event-stream'], body: '' }
  const { expiresAt } = user
  const body = await send(user, { method: 'GET', message, over: false })
  return {
    body: await accept(body),
    expiresAt,
    close() {
      body.destroy()
      void endSession(user, session)
    },
  }
}

async function accept(answer: IncomingMessage): Promise<IncomingMessage> {
  if (answer.statusCode === 200) return answer
  answer.resume()
  throw new StreamRefused(answer.statusCode ?? 0)
}

async function exchange(user: User, message: Message): Promise<IncomingMessage> {
  const answer = await send(user, { method: 'POST', message, over: agent })
  answer.resume()
  return answer
}

interface Sending {
  readonly method: string
  readonly message: Message
  readonly over: Agent | false
}

/** Resolves with the head of the answer. */
async function send(user: User, { method, message, over }: Sending): Promise<IncomingMessage> {
  const { hostname, port, host, pathname: path } = new URL(user.url)
  const headers = ['host', host, ...(await credentialsOf(user, method)), ...message.headers]
  if (message.body !== '') headers.push('content-length', String(message.body.length))
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, method, headers, agent: over }, (answer) => {
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
