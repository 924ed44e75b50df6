import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import type { Dispatcher } from 'undici'
import { endStream } from '../../src/http/end-stream.ts'
import { relay } from '../../src/http/relay.ts'
import { readPatience } from '../../src/http/unread.ts'

/** A request whose client reads nothing. */
async function openUnread(test: TestContext): Promise<ServerResponse> {
  const { promise: arrived, resolve } = Promise.withResolvers<ServerResponse>()
  const server = createServer((_req, res) => resolve(res))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  test.after(() => client.destroy())
  test.after(() => server.close())
  client.pause().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  return arrived
}

const controller = { abort() {}, pause() {}, resume() {} } as unknown as Dispatcher.DispatchController

/** Relays a stream to this client, of which two events have come. */
async function relayTo(res: ServerResponse): Promise<Dispatcher.DispatchHandler> {
  const { promise: sent, resolve } = Promise.withResolvers<Dispatcher.DispatchHandler>()
  void relay({
    dispatcher: {
      dispatch: (_request: object, handler: Dispatcher.DispatchHandler) => resolve(handler),
    } as unknown as Dispatcher,
    request: { method: 'POST', path: '/' },
    res,
    accept: (status) => ({ status, headers: [] }),
    onClientGone: 'abort',
    closeCutStream: () => ': cut\n\n',
    patience: { silence: 10_000, stall: 2000 },
  })
  const handler = await sent
  handler.onRequestStart?.(controller, {})
  handler.onResponseStart?.(controller, 200, { 'content-type': 'text/event-stream' })
  handler.onResponseData?.(controller, Buffer.from(`data: ${'x'.repeat(50_000_000)}\n\n`))
  return handler
}

describe('a stream that ends before its client has read it', () => {
  it('is ended only once (A36)', async (test) => {
    const res = await openUnread(test)
    res.write('x'.repeat(50_000_000))
    const errors: Error[] = []
    res.on('error', (error) => errors.push(error))
    for (let time = 0; time < 3; time++) endStream(res, 'data: last\n\n')
    await new Promise(setImmediate) // Node reports an error only then, and of nothing that is destroyed
    res.destroy()
    await new Promise((closed) => res.once('close', closed))
    assert.deepEqual(errors, [])
  })

  it('waits for it only so long (A36)', async (test) => {
    const res = await openUnread(test)
    res.write('x'.repeat(50_000_000))
    endStream(res, 'data: last\n\n')
    assert.equal(res.socket?.timeout, readPatience)
  })

  it('waits for it only so long where it is relayed, whoever ends it (A36)', async (test) => {
    for (const how of ['ended here', 'cut by the server'] as const) {
      const res = await openUnread(test)
      const handler = await relayTo(res)
      if (how === 'ended here') endStream(res, 'data: last\n\n')
      else handler.onResponseError?.(controller, new Error('cut'))
      assert.deepEqual([how, res.writableEnded, res.socket?.timeout], [how, true, 2000])
    }
  })
})
