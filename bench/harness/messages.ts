/** Bytes of the answer to a call. */
export const replyBytes = 305
/** Events of a streamed answer, including the result. */
export const eventCount = 1000

/** The progress notification with a given number, as a server-sent event. */
export function eventOf(index: number): string {
  const params = `{"progressToken":1,"progress":${index},"total":${eventCount},"message":"still at it"}`
  return `data: {"jsonrpc":"2.0","method":"notifications/progress","params":${params}}\n\n`
}

/** The two kinds of clients: `initialize` and sessions, or everything in each request. */
type Era = 'legacy' | 'modern'

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** An MCP request as it is sent: its body and the headers that belong to it. */
export interface Message {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** What fills the arguments of a call: one text, or many small values. */
type Filling = 'text' | 'rows'

interface CallOptions {
  readonly era?: Era
  readonly tool?: 'add' | 'burst' | 'paced'
  /** Length of the body, in bytes. */
  readonly bytes: number
  readonly filling?: Filling
}

/** A tool call whose body has exactly this many bytes. Throws if its envelope alone has more. */
export function toolCall({ era = 'legacy', tool = 'add', bytes, filling = 'text' }: CallOptions): Message {
  const write = (text: string, rows: readonly object[]): string => {
    const filled = rows.length === 0 ? { a: 2, b: 3, text } : { a: 2, b: 3, text, rows }
    const params = { name: tool, arguments: filled, ...(era === 'modern' ? { _meta: meta } : {}) }
    return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  }
  const rowBytes = JSON.stringify(rowOf(0)).length + 1
  const rows = filling === 'text' ? [] : Array.from({ length: Math.floor((bytes - 300) / rowBytes) }, rowAt)
  const room = bytes - write('', rows).length
  if (room < 0) throw new Error(`a call has more than ${bytes} bytes`)
  return { body: write('x'.repeat(room), rows), headers: headersOf(era, 'tools/call', tool) }
}

/** The request that opens a stream on which a client is notified of changes. */
export function listen(): Message {
  const params = { notifications: { toolsListChanged: true }, _meta: meta }
  return {
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params }),
    headers: headersOf('modern', 'subscriptions/listen'),
  }
}

/** The request that opens a session. */
export function initialize(): Message {
  const clientInfo = { name: 'bench', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  return { body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }), headers: {} }
}

function headersOf(era: Era, method: string, name?: string): Record<string, string> {
  if (era === 'legacy') return { 'MCP-Protocol-Version': '2025-11-25' }
  return {
    'MCP-Protocol-Version': '2026-07-28',
    'Mcp-Method': method,
    ...(name === undefined ? {} : { 'Mcp-Name': name }),
  }
}

function rowAt(_: unknown, index: number): object {
  return rowOf(index)
}

/** A row whose text has the same length whatever its number. */
function rowOf(index: number): object {
  return {
    id: 100_000 + index,
    name: 'Ada Lovelace',
    tags: ['a', 'b'],
    active: true,
    score: 0.5,
    parent: null,
  }
}

/** The total bytes of the events of a streamed answer, including the result. */
export function eventBytes(): number {
  const progress = Array.from({ length: eventCount - 1 }, (_, index) => eventOf(index).length)
  return progress.reduce((sum, bytes) => sum + bytes, replyBytes + 'data: \n\n'.length)
}
