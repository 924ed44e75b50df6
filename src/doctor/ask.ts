import { request } from 'undici'
import type { Reply } from './reply.ts'

/** One request of a client. */
export interface Question {
  readonly method?: 'GET' | 'POST' | 'OPTIONS' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
  readonly json?: unknown
  /** Stops reading when the text so far is enough: an event stream may never end. */
  readonly enough?: (text: string) => boolean
}

/** Sends a request and reads the answer, within the limits. Never throws because of what a server does. */
export type Ask = (url: string, question?: Question) => Promise<Reply>

/** What bounds an examination. */
export interface AskLimits {
  readonly requestMs: number
  /** For all requests together; waiting for a user does not count. */
  readonly totalMs: number
  readonly bodyBytes: number
}

/** Less time than this counts as none: timers are not exact. */
const leastMs = 5
const userAgentOfDoctor = 'portcullis-doctor'

/**
 * Creates the function that sends requests: it follows no redirects by itself, and sends nothing that the
 * client would not send.
 */
export function createAsk(limits: AskLimits, userAgent: string | undefined): Ask {
  let spentMs = 0
  return async (url, question = {}) => {
    if (limits.totalMs - spentMs < leastMs) return silent(url, 'the time for the whole run is used up')
    const began = performance.now()
    try {
      return await send(url, question)
    } catch (error) {
      return silent(url, explain(error))
    } finally {
      spentMs += performance.now() - began
    }
  }

  async function send(url: string, question: Question): Promise<Reply> {
    const { method = 'GET', headers = {}, form, json } = question
    const body = form === undefined ? json && JSON.stringify(json) : new URLSearchParams(form).toString()
    const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
    const response = await request(url, {
      method,
      headers: {
        'user-agent': userAgent ?? userAgentOfDoctor,
        ...(body === undefined ? {} : { 'content-type': type }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: body as string }),
      signal: AbortSignal.timeout(Math.ceil(Math.min(limits.requestMs, limits.totalMs - spentMs))),
    })
    return {
      url,
      status: response.statusCode,
      headers: flatten(response.headers),
      cookies: [response.headers['set-cookie'] ?? []].flat(),
      text: await read(response, question.enough),
    }
  }

  async function read(
    { body, headers }: Awaited<ReturnType<typeof request>>,
    enough?: (text: string) => boolean,
  ): Promise<string> {
    const isStream = String(headers['content-type'] ?? '').startsWith('text/event-stream')
    const decoder = new TextDecoder()
    let text = ''
    let bytes = 0
    // Leaving the loop closes the connection.
    if (isStream && enough === undefined) {
      body.destroy()
      return ''
    }
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      text += decoder.decode(chunk, { stream: true })
      if (bytes > limits.bodyBytes || enough?.(text) === true) break
    }
    return text
  }
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value ?? ''].flat().join(', ')]),
  )
}

function silent(url: string, problem: string): Reply {
  return { url, status: 0, headers: {}, cookies: [], text: '', problem }
}

const explanations: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
  UND_ERR_CONNECT_TIMEOUT: 'the connection took too long',
  UND_ERR_SOCKET: 'the connection was cut',
  CERT_HAS_EXPIRED: 'certificate: it has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate: it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate: its authority is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate: the chain is incomplete',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate: its authority is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate: it is for another host',
  EPROTO: 'certificate: no TLS is spoken there',
  ERR_SSL_WRONG_VERSION_NUMBER: 'certificate: no TLS is spoken there',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'certificate: no TLS is spoken there',
}

/** How the explanations of TLS problems begin. */
export const certificateTrouble = 'certificate: '

function explain(error: unknown): string {
  const { code, name, message, cause } = error as Error & { code?: string; cause?: { code?: string } }
  if (name === 'TimeoutError') return 'no answer in time'
  return explanations[code ?? cause?.code ?? ''] ?? `${message}${code === undefined ? '' : ` (${code})`}`
}
