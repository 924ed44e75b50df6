import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { it } from 'node:test'
import { endStream } from '../../src/http/end-stream.ts'

it('a stream that waits for its reader is ended only once', async (test) => {
  const { promise: arrived, resolve } = Promise.withResolvers<ServerResponse>()
  const server = createServer((_req, res) => resolve(res))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  test.after(() => client.destroy())
  test.after(() => server.close())
  client.pause().write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const res = await arrived
  const errors: Error[] = []
  res.on('error', (error) => errors.push(error))
  res.write('x'.repeat(50_000_000))
  for (let time = 0; time < 3; time++) endStream(res, 'data: last\n\n')
  client.destroy()
  await new Promise((closed) => res.once('close', closed))
  assert.deepEqual(errors, [])
})
