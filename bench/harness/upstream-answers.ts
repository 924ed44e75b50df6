import type { Socket } from 'node:net'
import { eventCount, eventOf, replyBytes } from './messages.ts'

/** What a request asks the server for. */
export interface Asked {
  readonly verb: string
  /** Digits; undefined for a notification. */
  readonly id: string | undefined
  readonly method: string
  readonly tool: string
}

const paceMilliseconds = 1
let sessions = 0

/** Answers one request. */
export function answerTo({ verb, id, method, tool }: Asked, socket: Socket): void {
  if (verb !== 'POST')
    return void socket.write('HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n')
  if (id === undefined) return void socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n')
  if (method === 'initialize') return openSession(id, socket)
  if (method === 'subscriptions/listen') return beginStream(socket)
  if (tool === 'burst') return burst(id, socket)
  if (tool === 'paced') return paced(id, socket)
  sendJson(socket, resultOf(id))
}

function sendJson(socket: Socket, body: string, headers = ''): void {
  socket.write(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`,
  )
}

function openSession(id: string, socket: Socket): void {
  const result =
    '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}}'
  sendJson(socket, `{"jsonrpc":"2.0","id":${id},"result":${result}}`, `Mcp-Session-Id: s-${++sessions}\r\n`)
}

function resultOf(id: string): string {
  const start = `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`
  const end = '"}],"resultType":"complete"}}'
  return start + 'x'.repeat(replyBytes - start.length - end.length) + end
}

/** A stream with its first event, which never ends by itself. */
function beginStream(socket: Socket): void {
  socket.write(
    'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  sendEvent(socket, eventOf(0))
}

function burst(id: string, socket: Socket): void {
  beginStream(socket)
  for (let index = 1; index < eventCount - 1; index++) sendEvent(socket, eventOf(index))
  endStream(id, socket)
}

function paced(id: string, socket: Socket): void {
  beginStream(socket)
  let sent = 1
  const timer = setInterval(() => {
    if (sent++ < eventCount - 1) return sendEvent(socket, eventOf(sent))
    endStream(id, socket)
    clearInterval(timer)
  }, paceMilliseconds)
  socket.once('close', () => clearInterval(timer))
}

function endStream(id: string, socket: Socket): void {
  sendEvent(socket, `data: ${resultOf(id)}\n\n`)
  socket.write('0\r\n\r\n')
}

function sendEvent(socket: Socket, event: string): void {
  socket.write(`${event.length.toString(16)}\r\n${event}\r\n`)
}
