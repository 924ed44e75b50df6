import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { openPostgres } from '../../src/storage/database/postgres.ts'
import { StoreUnusable } from '../../src/storage/store-unusable.ts'
import { listen } from '../support/listen.ts'

const message = (type: string, body: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}
const ready = message('Z', Buffer.from('I'))
const welcome = Buffer.concat([message('R', Buffer.alloc(4)), ready])
const done = Buffer.concat([message('C', Buffer.from('SELECT 0\0')), ready])

describe('a database that lets in, as a pooler does for one that is away', {
  timeout: 60_000,
  concurrency: true,
}, () => {
  for (const answered of [0, 1, 2])
    it(`and answers ${answered} queries, cannot be used, which is soon found out`, async (test) => {
      const server = createServer((socket) => {
        let queries = -1
        socket.on('error', () => undefined)
        socket.on('data', () => {
          if (++queries <= answered) socket.write(queries === 0 ? welcome : done)
        })
      })
      const { port } = await listen(server, test)
      const url = `postgres://user@127.0.0.1:${port}/database`
      // As for a migration, which may take its time.
      await assert.rejects(
        openPostgres({ url, onFault: () => assert.fail(), patience: undefined }),
        (error) => {
          assert.ok(error instanceof StoreUnusable)
          assert.match(error.message, /cannot be used \(Query read timeout\): see that it runs/)
          return true
        },
      )
    })
})
