import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { it } from 'node:test'
import { watchReader } from '../../src/http/unread.ts'
import { listen } from '../support/listen.ts'

it('a client is waited for as long as it reads, also within one message of a stream (A36)', async (test) => {
  const patience = 2000
  const server = createServer((_req, res) => {
    const watch = watchReader(res, patience)
    res.write('x'.repeat(32 << 20), () => res.end())
    watch()
  })
  const client = connect((await listen(server, test)).port, '127.0.0.1')
  test.after(() => client.destroy())
  const began = performance.now()
  let [read, sincePause] = [0, 0]
  client.on('data', ({ length }) => {
    read += length
    sincePause += length
    // So much that the system tells the server of it, for longer than nothing may be read, and then the rest.
    if (sincePause < 1 << 18 || performance.now() - began > 2.5 * patience) return
    sincePause = 0
    client.pause()
    setTimeout(() => client.resume(), 100)
  })
  client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  await once(client, 'end')
  assert.ok(read > 32 << 20, `${read} bytes came`)
})
