import type { Fault } from './faults.ts'
import type { User } from './users.ts'

/** A request, ready to be sent. */
export interface Message {
  readonly headers: readonly string[]
  readonly body: string
}

/** The eras of the protocol. */
export type Era = 'legacy' | 'modern'

/** What is asked for. */
export type Kind = 'echo' | 'progress' | 'list' | 'read'

const meta =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'

/** Writes a request by hand: at this rate each saved step counts. */
export function writeRequest(
  user: User,
  number: number,
  { era, kind, fault }: { era: Era; kind: Kind; fault: Fault | undefined },
): Message {
  const { method, name, params } = parts(kind, number, fault)
  if (era === 'legacy') {
    const token = kind === 'progress' ? `,"_meta":{"progressToken":${number}}` : ''
    const headers = [...common(user), 'mcp-session-id', user.session, 'mcp-protocol-version', '2025-11-25']
    return { headers, body: wrap(number, method, params + token) }
  }
  const headers = [...common(user), 'mcp-protocol-version', '2026-07-28', 'mcp-method', method]
  if (name !== undefined) headers.push('mcp-name', name)
  return { headers, body: wrap(number, method, `${params},${meta}`) }
}

function parts(kind: Kind, number: number, fault: Fault | undefined) {
  if (kind === 'list') return { method: 'tools/list', name: undefined, params: `"cursor":"${number}"` }
  if (kind === 'read') {
    const name = `soak://${number}`
    return { method: 'resources/read', name, params: `"uri":"${name}"` }
  }
  const extra = fault === undefined ? '' : `,"fault":"${fault}"`
  const params = `"name":"${kind}","arguments":{"number":${number}${extra}}`
  return { method: 'tools/call', name: kind, params }
}

function wrap(number: number, method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":${number},"method":"${method}","params":{${params}}}`
}

function common({ token }: User): string[] {
  return [
    'authorization',
    `Bearer ${token}`,
    'content-type',
    'application/json',
    'accept',
    'application/json, text/event-stream',
  ]
}

/** Opens a session of the legacy era. The server learns the number of the stream by the name of the client. */
export function writeInitialize(user: User, stream: number): Message {
  const info = `"clientInfo":{"name":"${stream}","version":"1"}`
  const params = `"protocolVersion":"2025-11-25","capabilities":{},${info}`
  return { headers: common(user), body: wrap(stream, 'initialize', params) }
}

/** Says that a session is open. */
export function writeInitialized(user: User, session: string): Message {
  return {
    headers: [...common(user), 'mcp-session-id', session],
    body: '{"jsonrpc":"2.0","method":"notifications/initialized"}',
  }
}

/** Opens a stream of the modern era. */
export function writeListen(user: User, stream: number): Message {
  const headers = [
    ...common(user),
    'mcp-protocol-version',
    '2026-07-28',
    'mcp-method',
    'subscriptions/listen',
  ]
  const params = `"notifications":{"toolsListChanged":true},${meta}`
  return { headers, body: wrap(stream, 'subscriptions/listen', params) }
}
