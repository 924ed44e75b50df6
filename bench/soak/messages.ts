import type { Fault } from './faults.ts'
import type { Era } from './lanes.ts'
import type { User } from './users.ts'

/** A request, ready to be sent except for its credentials. */
export interface Message {
  readonly headers: readonly string[]
  readonly body: string
}

/** What is asked for. */
export type Kind = 'echo' | 'progress' | 'list' | 'read'

const modernRevision = '2026-07-28'
const ids = 1000

/** The id of a request, and its progress token: different clients choose the same ones. */
export function idOf(number: number): number {
  return number % ids
}

/** Tells a server for which stream of a user it opens something. */
function streamName({ name }: User, stream: number): string {
  return `${name}.${stream}`
}

/** Writes a request by hand: at this rate, each saved step counts. */
export function writeRequest(
  user: User,
  number: number,
  { era, kind, fault }: { era: Era; kind: Kind; fault: Fault | undefined },
): Message {
  const { method, name, params } = parts(user, number, { kind, fault })
  const id = idOf(number)
  const token = kind === 'progress' ? `"progressToken":${id}` : ''
  if (era === 'legacy') {
    const meta = token === '' ? '' : `,"_meta":{${token}}`
    return { headers: inSession(user.session), body: wrap(id, method, params + meta) }
  }
  return {
    headers: modernHeaders(method, name),
    body: wrap(id, method, `${params},${modernMeta(user.name, token)}`),
  }
}

function parts(user: User, number: number, { kind, fault }: { kind: Kind; fault: Fault | undefined }) {
  if (kind === 'list')
    return { method: 'tools/list', name: undefined, params: `"cursor":"${user.name}.${number}"` }
  if (kind === 'read') {
    const name = `soak://${user.name}.${number}`
    return { method: 'resources/read', name, params: `"uri":"${name}"` }
  }
  const extra = fault === undefined ? '' : `,"fault":"${fault}"`
  const params = `"name":"${kind}","arguments":{"asker":"${user.name}.${number}"${extra}}`
  return { method: 'tools/call', name: kind, params }
}

function wrap(id: number, method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${params}}}`
}

const common = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream']

function inSession(session: string): string[] {
  return [...common, 'mcp-session-id', session, 'mcp-protocol-version', '2025-11-25']
}

function modernHeaders(method: string, name?: string): string[] {
  const headers = [...common, 'mcp-protocol-version', modernRevision, 'mcp-method', method]
  return name === undefined ? headers : [...headers, 'mcp-name', name]
}

function modernMeta(client: string, more = ''): string {
  const key = (name: string): string => `"io.modelcontextprotocol/${name}"`
  const version = `${key('protocolVersion')}:"${modernRevision}",${key('clientCapabilities')}:{}`
  const info = `${key('clientInfo')}:{"name":"${client}","version":"1"}`
  return `"_meta":{${version},${info}${more === '' ? '' : `,${more}`}}`
}

/** Opens a session of the legacy era. The client name tells the server for which stream it is. */
export function writeInitialize(user: User, stream: number): Message {
  const info = `"clientInfo":{"name":"${streamName(user, stream)}","version":"1"}`
  const params = `"protocolVersion":"2025-11-25","capabilities":{},${info}`
  return { headers: common, body: wrap(stream, 'initialize', params) }
}

/** Reports that a session is open. */
export function writeInitialized(session: string): Message {
  return { headers: inSession(session), body: '{"jsonrpc":"2.0","method":"notifications/initialized"}' }
}

/** Opens a stream of the modern era. */
export function writeListen(user: User, stream: number): Message {
  const params = `"notifications":{"toolsListChanged":true},${modernMeta(streamName(user, stream))}`
  const method = 'subscriptions/listen'
  return { headers: modernHeaders(method), body: wrap(idOf(stream), method, params) }
}
