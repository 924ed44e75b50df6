import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { errors } from '../../http/undici.ts'

/** Up to this size, copying a body after its head is cheaper than sending it separately. */
const smallBytes = 16 * 1024

const fieldName = /^[\w!#$%&'*+.^`|~-]+$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/
const target = /^\/[\x21-\x7e\x80-\xff]*$/

/**
 * Writes an HTTP/1.1 request: headers as a list of names and values, the body in memory. Throws
 * InvalidArgumentError for anything that could be read as another request (CWE-93).
 */
export function writeRequest(
  socket: Socket,
  host: string,
  { method, path, headers, body }: Dispatcher.DispatchOptions,
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  if (bytes !== undefined && bytes !== null && !(bytes instanceof Uint8Array))
    throw new errors.InvalidArgumentError('a body must be in memory')
  if (!target.test(path)) throw new errors.InvalidArgumentError('invalid path')
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n${writeFields(headers)}`
  if (bytes !== undefined && bytes !== null) head += `content-length: ${bytes.length}\r\n`
  head += '\r\n'
  if (bytes === undefined || bytes === null || bytes.length === 0) socket.write(head, 'latin1')
  else if (bytes.length <= smallBytes) socket.write(join(head, bytes))
  else {
    socket.cork()
    socket.write(head, 'latin1')
    socket.write(bytes)
    socket.uncork()
  }
}

function writeFields(headers: Dispatcher.DispatchOptions['headers']): string {
  const list: unknown = headers ?? []
  if (!Array.isArray(list)) throw new errors.InvalidArgumentError('headers must be a list')
  let text = ''
  for (let index = 0; index < list.length; index += 2) {
    const name = String(list[index])
    const value = String(list[index + 1])
    if (!fieldName.test(name) || !fieldValue.test(value))
      throw new errors.InvalidArgumentError('invalid header')
    text += `${name}: ${value}\r\n`
  }
  return text
}

function join(head: string, bytes: Uint8Array): Buffer {
  const all = Buffer.allocUnsafe(head.length + bytes.length)
  all.write(head, 0, 'latin1')
  all.set(bytes, head.length)
  return all
}
