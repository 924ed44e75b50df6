import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { it } from 'node:test'
import { checkDeclaredLength, readBody } from '../../src/http/body.ts'

it('a body that is too large is read to its end, and nothing of it is kept or put together (A36)', async (test) => {
  const request = new PassThrough()
  const reading = readBody(request as unknown as IncomingMessage, 10)
  for (const text of ['1234', '5678', '9012']) request.write(text)
  await assert.rejects(reading, { code: 'body_too_large' })
  const concat = test.mock.method(Buffer, 'concat')
  request.end('x'.repeat(100_000))
  await new Promise((resolve) => request.once('close', resolve))
  assert.equal(concat.mock.callCount(), 0)
  assert.ok(request.readableEnded)
})

it('a body may have exactly as many bytes as are allowed, declared or sent', async () => {
  checkDeclaredLength('10', 10)
  assert.throws(() => checkDeclaredLength('11', 10), { code: 'body_too_large' })
  const read = (text: string): Promise<Buffer> => {
    const request = new PassThrough()
    request.end(text)
    return readBody(request as unknown as IncomingMessage, 10)
  }
  assert.equal((await read('1234567890')).toString(), '1234567890')
  await assert.rejects(read('12345678901'), { code: 'body_too_large' })
})

it('a body that was read before is an error, and not waited for', async () => {
  const request = new PassThrough()
  request.end('1')
  await readBody(request as unknown as IncomingMessage, 10)
  await assert.rejects(readBody(request as unknown as IncomingMessage, 10), /read before/)
})
