import { type IncomingMessage, request } from 'node:http'
import { request as tlsRequest } from 'node:https'
import type { Message } from './messages.ts'

const patienceMilliseconds = 20_000

/** Headers of every request to a gate. */
export function headersFor(message: Message, token: string, session?: string): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    ...message.headers,
    ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
    ...(session === undefined ? {} : { 'Mcp-Session-Id': session }),
  }
}

/** Posts a message to a gate over a separate connection. Resolves with the head of the answer. */
export function send(
  url: string,
  message: Message,
  { token, session }: { readonly token: string; readonly session?: string },
): Promise<IncomingMessage> {
  const headers = {
    ...headersFor(message, token, session),
    'Content-Length': String(Buffer.byteLength(message.body)),
  }
  return new Promise((resolve, reject) => {
    // The certificate is self-signed, and on loopback it is known who answers.
    const options = { method: 'POST', headers, agent: false, rejectUnauthorized: false }
    const outgoing = (url.startsWith('https:') ? tlsRequest : request)(`${url}/mcp`, options, resolve)
    const timer = setTimeout(() => outgoing.destroy(new Error('no answer')), patienceMilliseconds)
    outgoing
      .once('response', () => clearTimeout(timer))
      .once('error', (error) => {
        clearTimeout(timer)
        reject(error)
      })
    outgoing.end(message.body)
  })
}

/** The complete text of an answer. */
export async function readText(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  return text
}
