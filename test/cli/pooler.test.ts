import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { portcullis, startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { startPooler } from '../support/pgbouncer.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'

describe('a store behind PgBouncer', () => {
  let postgres: TestPostgres
  let database: TestDatabase
  before(async () => {
    postgres = await startPostgres()
    database = await postgres.createDatabase()
  })
  after(async () => {
    await database.drop()
    await postgres.stop()
  })

  const environment = (url: string): Record<string, string> => ({
    PORTCULLIS_STORE_URL: url,
    PORTCULLIS_SECRET: 'a-secret-of-more-than-32-bytes-for-all-the-replicas',
  })
  const runArgs = (port: number): string[] => {
    const data = mkdtempSync(join(tmpdir(), 'portcullis-pooler-'))
    return ['run', '--upstream', 'http://127.0.0.1:9/mcp', '--port', String(port), '--data', data]
  }

  it('is refused where a connection is lent for a transaction, with the fix', async () => {
    const pooler = await startPooler(database.url, 'transaction')
    try {
      const { code, stderr } = await portcullis(runArgs(await freePort()), environment(pooler.url))
      assert.equal(code, 2, stderr)
      assert.match(
        stderr,
        /cannot be used \(a pooler gives one connection to several clients\): set pool_mode/,
      )
      assert.doesNotMatch(stderr, /^\s+at /m, 'no stack trace')
      assert.ok(!stderr.includes(postgres.password))
    } finally {
      await pooler.stop()
    }
  })

  it('serves logins and refreshes where a connection is lent for a session', async (test) => {
    const pooler = await startPooler(database.url, 'session')
    test.after(() => pooler.stop())
    const port = await freePort()
    await startPortcullis(test, runArgs(port), environment(pooler.url))
    const url = `http://127.0.0.1:${port}`
    const client = await OAuthClient.register(url, { redirect_uris: ['http://127.0.0.1:1/cb'] })
    const { refresh_token: first } = await client.signIn({ scope: 'mcp:tools:read' })
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.refresh(first)))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.equal(new Set(answers.map(({ body }) => body.refresh_token)).size, 1, 'one successor')
  })
})
