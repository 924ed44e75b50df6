import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { IncomingMessage, type Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { closeQueued } from '../../src/http/close-queued.ts'

/** A server without node's own care for its connections, which differs between versions. */
function connection(): { socket: Socket; request: () => ServerResponse } {
  const server = new EventEmitter() as Server
  closeQueued(server)
  const socket = new Socket()
  return {
    socket,
    request() {
      const req = new IncomingMessage(socket)
      const res = new ServerResponse(req)
      server.emit('request', req, res)
      return res
    },
  }
}

describe('responses that wait for their turn on a connection', () => {
  it('close with it, whatever they have to say, and are told so once (A36)', async () => {
    const { socket, request } = connection()
    const waiting = [request(), request(), request()]
    let closed = 0
    for (const res of waiting) res.on('close', () => closed++)
    waiting[1]?.write('something')
    waiting[2]?.end('everything')
    const all = waiting.map((res) => once(res, 'close'))
    socket.destroy()
    await Promise.all(all)
    assert.deepEqual(
      waiting.map((res) => [res.closed, res.destroyed, res.writableFinished]),
      [
        [true, true, false],
        [true, true, false],
        [true, true, false],
      ],
    )
    assert.equal(closed, 3)
  })

  it('are left alone once it is their turn', async () => {
    const { socket, request } = connection()
    const res = request()
    res.assignSocket(socket)
    let closed = 0
    res.on('close', () => closed++)
    socket.destroy()
    await once(socket, 'close')
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(closed, 1)
  })
})
