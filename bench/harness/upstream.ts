/**
 * The MCP server of the benchmark, for both eras. It reads each body and answers at once, with as little work
 * as possible, so that the gates are what is measured. `node bench/harness/upstream.ts PORT`
 */
import { createServer, type Socket } from 'node:net'
import { type Asked, answerTo } from './upstream-answers.ts'

/** How much of a body is examined: the beginning says what is requested. */
const lookAt = 1024

createServer({ noDelay: true }, serve).listen(Number(process.argv[2]), '127.0.0.1')

function serve(socket: Socket): void {
  let head = ''
  let missing = -1 // bytes of the body; negative while the head is being read
  let body = ''

  socket.on('error', () => socket.destroy()) // the gate is gone
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk
    while (rest.length > 0 || missing === 0) {
      if (missing < 0) {
        const text = head + rest.toString('latin1')
        const end = text.indexOf('\r\n\r\n')
        if (end < 0) {
          head = text
          return
        }
        rest = rest.subarray(end + 4 - head.length)
        head = text.slice(0, end)
        missing = lengthOf(head)
      }
      const part = rest.subarray(0, missing)
      if (body.length < lookAt) body += part.toString('latin1', 0, lookAt)
      missing -= part.length
      rest = rest.subarray(part.length)
      if (missing > 0) return
      answerTo(readAsked(head, body), socket)
      head = body = ''
      missing = -1
    }
  })
}

/**
 * If a gate knows the length of a body, it has no reason to send it in chunks, which this server does not
 * read.
 */
function lengthOf(head: string): number {
  if (/\r\ntransfer-encoding:/i.test(head)) throw new Error('a gate sent a body in chunks')
  return Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
}

function readAsked(head: string, body: string): Asked {
  return {
    verb: head.slice(0, head.indexOf(' ')),
    id: /"id":(\d+)/.exec(body)?.[1],
    method: /"method":"([^"]+)"/.exec(body)?.[1] ?? '',
    tool: /"name":"([^"]+)"/.exec(body)?.[1] ?? '',
  }
}
