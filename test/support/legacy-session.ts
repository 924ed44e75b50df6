import assert from 'node:assert/strict'
import { type Messages, post } from './era-calls.ts'
import { legacyRequest } from './gated-spy.ts'

/** What a legacy client sends when it opens a session. */
export const hello = {
  protocolVersion: '2025-06-18',
  capabilities: { sampling: {} },
  clientInfo: { name: 'old', version: '2' },
}

/** A legacy session at a gateway. */
export interface LegacySession {
  readonly opened: Messages
  readonly headers: { readonly 'mcp-session-id': string; readonly 'mcp-protocol-version': string }
  send(body: object | undefined, method?: string): Promise<Messages>
  request(method: string, params?: object): Promise<Messages>
  /** Opens its stream. `status` is not 200 if there is none. */
  listen(): Promise<HeldStream>
}

/** A stream that is read as it arrives. */
export interface HeldStream {
  readonly status: number
  read(): string
  isOver(): boolean
  leave(): void
}

/** Opens a session, as a client of `revision` that the server agrees to. */
export async function openLegacySession(
  url: string,
  token: string,
  revision = hello.protocolVersion,
): Promise<LegacySession> {
  const opened = await post(url, token, legacyRequest('initialize', { ...hello, protocolVersion: revision }))
  const headers = {
    'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
    'mcp-protocol-version': revision,
  }
  const send = (body: object | undefined, method = 'POST'): Promise<Messages> =>
    post(url, token, body, { headers, method })
  if (opened.status === 200) {
    const { status } = await send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    assert.equal(status, 202)
  }
  return {
    opened,
    headers,
    send,
    request: (method, params = {}) => send(legacyRequest(method, params)),
    async listen() {
      const abort = new AbortController()
      const response = await fetch(url, {
        headers: { ...headers, authorization: `Bearer ${token}`, accept: 'text/event-stream' },
        signal: abort.signal,
      })
      let text = ''
      let isOver = false
      void (async () => {
        for await (const chunk of response.body!) text += Buffer.from(chunk).toString()
      })()
        .catch(() => {})
        .finally(() => (isOver = true))
      return {
        status: response.status,
        read: () => text,
        isOver: () => isOver,
        leave: () => abort.abort(),
      }
    },
  }
}
