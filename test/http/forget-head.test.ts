import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { it } from 'node:test'
import { inspect } from 'node:util'
import { type Exchange, forgetHead } from '../../src/http/exchange.ts'
import { readHead } from '../../src/http/head.ts'
import { listen } from '../support/listen.ts'

it('a request whose head is forgotten holds no token, and can be answered all the same', async (test) => {
  const seen: string[][] = []
  const server = createServer((req, res) => {
    const exchange = { req, res, head: readHead(req.rawHeaders) } as Exchange
    const held = (): string => inspect([exchange.head, req.headers, req.rawHeaders])
    const whole = held()
    forgetHead(exchange)
    seen.push([whole, held()])
    res.end('answered')
  })
  const { port } = await listen(server, test)
  const headers = { authorization: 'Bearer secret-of-the-test', 'mcp-session-id': 'secret-of-the-session' }
  const request = get({ host: '127.0.0.1', port, headers, agent: false })
  const [answer] = (await once(request, 'response')) as [AsyncIterable<Buffer>]
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  assert.equal(text, 'answered')
  const [[whole = '', forgotten = ''] = []] = seen
  for (const secret of Object.values(headers)) {
    assert.ok(whole.includes(secret))
    assert.ok(!forgotten.includes(secret), forgotten)
  }
})
