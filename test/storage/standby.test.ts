import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { StoreAway } from '../../src/core/store-away.ts'
import { openDatabase } from '../../src/storage/database/open-database.ts'
import { openPostgres } from '../../src/storage/database/postgres.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { type OwnPostgres, startOwnPostgres, type TestDatabase } from '../support/postgres.ts'

describe('a database that answers and cannot be written to', { timeout: 120_000 }, () => {
  let postgres: OwnPostgres
  let database: TestDatabase
  let installation: Installation
  let client: OAuthClient
  before(async () => {
    postgres = await startOwnPostgres()
    database = await postgres.createDatabase()
    installation = await startInstallation({ store: { url: database.url } })
    client = new OAuthClient(installation.url)
  })
  after(async () => {
    await installation.close()
    await postgres.stop()
  })

  const readiness = async (): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${installation.adminUrl}/readyz`)
    return { status: response.status, text: await response.text() }
  }

  it('is no store while it is a standby, which knows of no revocation that came later (A72)', async () => {
    const { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    await postgres.demote()
    const notReady = await readiness()
    assert.equal(notReady.status, 503)
    assert.match(notReady.text, /standby/)
    assert.equal((await client.refresh(token)).status, 503)
    await assert.rejects(
      openDatabase(database.url, () => undefined),
      /cannot be used \(it is a standby.*let store\.url lead to the primary/,
    )
    await database.query('select pg_promote()')
    assert.equal((await readiness()).status, 200)
    assert.equal((await client.refresh(token)).status, 200)
  })

  // Last, since connections that the installation opens in the meantime are read-only as well.
  it('is left for the one that can, as soon as a connection leads there', async (test) => {
    const { url } = database
    const change = (what: string): Promise<unknown> =>
      database.query(
        `set transaction_read_only = off; alter database ${new URL(url).pathname.slice(1)} ${what}`,
      )
    await change('set default_transaction_read_only = on')
    const db = await openPostgres({ url, onFault: () => undefined, patience: undefined })
    test.after(() => db.destroy())
    const write = (): Promise<unknown> => db.insertInto('marks').values({ name: 'x', value: '' }).execute()
    await assert.rejects(write(), StoreAway)
    await change('reset all')
    await write()
  })
})
