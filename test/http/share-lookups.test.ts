import assert from 'node:assert/strict'
import dns, { type LookupAddress } from 'node:dns'
import { describe, it, type TestContext } from 'node:test'
import { systemClock as clock } from '../../src/core/clock.ts'
import { ConnectionPool } from '../../src/upstream/wire/pool.ts'
import { startRawServer } from '../support/raw-server.ts'
import { until } from '../support/until.ts'

type Answer = (error: Error | null, found: readonly LookupAddress[]) => void

const milliseconds = { connectMilliseconds: 5000, headMilliseconds: 5000, idleMilliseconds: 0, clock }
const hello = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello'

/** Requests to a host whose name server is silent until it is told what to answer. */
async function askForName(test: TestContext, times: number) {
  const asked: Answer[] = []
  const server = await startRawServer()
  server.onData = (socket) => void socket.write(hello)
  test.after(() => server.close())
  // Only now, since listening looks up as well.
  test.mock.method(dns, 'lookup', (_host: string, _options: object, answer: Answer) => asked.push(answer))
  const origin = new URL(`http://${test.name.replaceAll(/\W/g, '-')}.invalid:${server.origin.port}`)
  const pool = new ConnectionPool({ origin, ...milliseconds })
  test.after(() => pool.destroy())
  const ask = async (): Promise<string> => {
    const { body } = await pool.request({ path: '/', method: 'GET' })
    return body.text()
  }
  const answers = Promise.allSettled(Array.from({ length: times }, ask))
  await until(() => asked.length > 0)
  return { asked, answers, ask }
}

describe('the name of a server', { timeout: 20_000 }, () => {
  it('takes one lookup at a time, however many wait for it', async (test) => {
    const { asked, answers, ask } = await askForName(test, 20)
    asked[0]?.(null, [{ address: '127.0.0.1', family: 4 }])
    const texts = (await answers).map((answer) => answer.status === 'fulfilled' && answer.value)
    assert.deepEqual(texts, Array(20).fill('hello'))
    assert.equal(asked.length, 1)

    const again = ask()
    await until(() => asked.length === 2, 'it is looked up anew, since its address may change')
    asked[1]?.(null, [{ address: '127.0.0.1', family: 4 }])
    assert.equal(await again, 'hello')
  })

  it('that cannot be found is found by nobody who waits', async (test) => {
    const { asked, answers } = await askForName(test, 3)
    asked[0]?.(Object.assign(new Error('no'), { code: 'EAI_AGAIN' }), [])
    for (const answer of await answers)
      assert.equal(answer.status === 'rejected' && answer.reason.code, 'EAI_AGAIN')
    assert.equal(asked.length, 1)
  })
})
