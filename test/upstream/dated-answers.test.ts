import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import { refusalWhereBusy } from '../../src/http/busy.ts'
import { ConnectionPool } from '../../src/upstream/wire/pool.ts'
import { startRawServer } from '../support/raw-server.ts'

const clock = { now: () => Date.parse('Sun, 06 Nov 1994 08:49:37 GMT') }

/** How long a client has to wait for a server that answers 429 with these header fields. */
async function waitFor(test: TestContext, fields: readonly string[]): Promise<number | undefined> {
  const server = await startRawServer()
  test.after(() => server.close())
  server.onData = (socket) =>
    void socket.write(['HTTP/1.1 429 x', ...fields, 'content-length: 0', '', ''].join('\r\n'))
  const milliseconds = { connectMilliseconds: 2000, headMilliseconds: 2000, idleMilliseconds: 0 }
  const pool = new ConnectionPool({ origin: server.origin, ...milliseconds, clock })
  test.after(() => pool.destroy())
  const { statusCode, headers } = await pool.request({ path: '/mcp', method: 'GET' })
  return refusalWhereBusy(statusCode, headers)?.detail.retryAfterSeconds
}

it('a date at which to come back counts from our clock where the answer has no date', async (test) => {
  const later = 'retry-after: Sun, 06 Nov 1994 08:50:07 GMT'
  assert.equal(await waitFor(test, [later]), 30)
  assert.equal(await waitFor(test, [later, 'date: Sun, 06 Nov 1994 08:50:00 GMT']), 7)
  assert.equal(await waitFor(test, []), undefined)
})
