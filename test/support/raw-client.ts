import { encodeHeaderValue } from '../../src/mcp/headers.ts'
import { parseLossless } from '../../src/mcp/lossless.ts'
import { until } from './until.ts'

type Json = Record<string, unknown>

/** An MCP client that sends what it is given, and keeps every message as it came. */
export interface RawClient {
  /** Answers of the server, in their order, with every number as it was written. */
  readonly answers: Json[]
  readonly notifications: Json[]
  /** What the server asked, without its ids, which a gateway replaces. */
  readonly questions: Json[]
  /** Sends a message and resolves when its answer is there. If `signal` is aborted, the client leaves. */
  send(message: Json, signal?: AbortSignal): Promise<void>
  close(): void
}

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** Opens a client of an era. It answers whatever it is asked with an echo. */
export async function openRawClient(
  url: string,
  era: 'legacy' | 'modern',
  token?: string,
): Promise<RawClient> {
  const stop = new AbortController()
  const { signal: closed } = stop
  const own: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const types = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' }
  const client: RawClient = {
    answers: [],
    notifications: [],
    questions: [],
    async send(message, signal = closed) {
      const sent = era === 'modern' ? withMeta(message) : message
      const headers = { ...types, ...own, ...(era === 'modern' ? mirrored(message) : {}) }
      const body = JSON.stringify(sent)
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        signal: AbortSignal.any([signal, closed]),
      })
      const session = response.headers.get('mcp-session-id')
      if (session !== null) own['mcp-session-id'] = session
      await receive(response)
    },
    close: () => stop.abort(),
  }

  const take = (message: Json): void => {
    const { id, method, params } = message
    if (method === undefined) client.answers.push(message)
    else if (id === undefined) client.notifications.push(message)
    else {
      client.questions.push({ method, params })
      void client.send({ jsonrpc: '2.0', id, result: { echo: params } }).catch(() => undefined)
    }
  }
  const receive = async (response: Response): Promise<void> => {
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    if (!isStream) {
      const text = await response.text()
      if (text !== '') take(parseLossless(text) as Json)
      return
    }
    let rest = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const events = (rest + chunk).split('\n\n')
      rest = events.pop() ?? ''
      // Not by a regular expression: to it, U+2028 ends a line.
      for (const line of events.flatMap((event) => event.split('\n')))
        if (line.startsWith('data: ')) take(parseLossless(line.slice(6)) as Json)
    }
  }
  if (era === 'legacy') {
    const clientInfo = { name: 'raw', version: '1' }
    const capabilities = { sampling: {}, roots: {} }
    const params = { protocolVersion: '2025-11-25', capabilities, clientInfo }
    await client.send({ jsonrpc: '2.0', id: 'open', method: 'initialize', params })
    await until(() => client.answers.length === 1, 'the session is open')
    await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    const heard = await fetch(url, { headers: { ...own, accept: 'text/event-stream' }, signal: closed })
    receive(heard).catch(() => undefined)
  }
  return client
}

function withMeta(message: Json): Json {
  const params = message['params'] as Json
  return { ...message, params: { ...params, _meta: { ...(params['_meta'] as Json), ...meta } } }
}

function mirrored({ method, params }: Json): Record<string, string> {
  const { name, uri = name } = params as { name?: string; uri?: string }
  return {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': String(method),
    ...(uri === undefined ? {} : { 'mcp-name': encodeHeaderValue(uri) }),
  }
}
