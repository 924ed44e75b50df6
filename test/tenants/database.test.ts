import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { portcullis } from '../support/command.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { sharedSecret } from '../support/installation.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'
import { startTenants, type TestTenants } from '../support/tenants.ts'
import { until } from '../support/until.ts'

const list = legacyRequest('tools/list')

describe('tenants in one PostgreSQL database', { timeout: 120_000 }, () => {
  let server: TestPostgres
  let database: TestDatabase
  let tenants: TestTenants
  before(async () => {
    server = await startPostgres()
    database = await server.createDatabase()
    tenants = await startTenants({
      config: {
        store: { url: database.url },
        secret: sharedSecret,
        audit: { sinks: [{ kind: 'postgres', name: 'copy' }] },
      },
    })
  })
  after(async () => {
    await tenants.close()
    await server.stop()
  })

  const connections = async (name: string): Promise<number> => {
    const rows = await database.query(
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = '${name}'`,
    )
    return Number(rows[0]?.['n'])
  }

  it('have the same connections, and hear of revocations on one', async () => {
    const { acme, globex } = tenants
    await Promise.all(
      [acme, globex].flatMap((tenant) =>
        ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((user) => tenant.tokenFor('mcp:*', user)),
      ),
    )
    assert.equal(await connections('portcullis notices'), 1)
    // Ten for all, and one for each of the sinks of the audit.
    const all = await connections('portcullis')
    assert.ok(all <= 13, `${all} connections`)
  })

  it('ask it together, once a second, what has been revoked and which keys there are', async (test) => {
    const query = test.mock.method(pg.Client.prototype, 'query')
    const asked = (): (readonly string[])[] =>
      query.mock.calls
        .map(({ arguments: [given] }) => given as { text?: string; values?: [readonly string[]] })
        .filter(({ text = '' }) => text.includes('from unnest('))
        .map(({ values: [names] = [[]] }) => names)
    await until(() => asked().length >= 4)
    for (const names of asked())
      assert.deepEqual(new Set(names), new Set(['default', 'acme', 'globex']), String(names))
  })

  it('hear of the end of a grant each for itself', async () => {
    for (const tenant of [tenants.acme, tenants.globex]) {
      const { oauth } = tenant
      const { access_token: token, refresh_token: refresh } = await oauth.signIn({ scope: 'mcp:*' })
      assert.equal((await tenant.post(list, { token })).status, 200)
      await oauth.token({ token: refresh, client_id: 'user-client' }, { path: '/revoke' })
      assert.equal((await tenant.post(list, { token })).status, 401)
    }
  })

  it('have one table for their events, of which each reads its own', async () => {
    const { acme, installation } = tenants
    await acme.post(list, { token: await acme.tokenFor('mcp:*', 'ada_of_acme') })
    const file = join(installation.data, 'portcullis.yaml')
    const upstreams = [{ name: 'spy', url: 'http://127.0.0.1:9/mcp' }]
    await writeFile(
      file,
      JSON.stringify({
        data: installation.data,
        publicUrl: installation.url,
        store: { url: database.url },
        secret: sharedSecret,
        upstreams,
        tenants: ['acme', 'globex'].map((name) => ({ name, upstreams })),
        audit: { sinks: [{ kind: 'postgres', name: 'copy' }] },
      }),
    )
    const run = (command: string, ...flags: string[]) =>
      portcullis(['audit', command, '--database', '-c', file, '--json', ...flags])
    const query = async (...flags: string[]): Promise<string> => (await run('query', ...flags)).stdout
    await until(async () => (await query('--tenant', 'acme')).includes('ada_of_acme'), 'the event has come')
    assert.doesNotMatch((await query('--tenant', 'globex')) + (await query()), /ada_of_acme/)
    for (const flags of [[], ['--tenant', 'acme'], ['--tenant', 'globex']]) {
      const { code, stdout } = await run('verify', ...flags)
      assert.equal(code, 0, stdout)
    }
    const soon = new Date(Date.now() + 60_000).toISOString()
    const prune = ['audit', 'prune', '--database', '-c', file, '--before', soon, '--tenant', 'acme']
    const { stdout: removed, stderr } = await portcullis(prune)
    assert.match(removed, /^removed \d+ events\n$/, stderr)
    assert.doesNotMatch(await query('--tenant', 'acme'), /ada_of_acme/)
  })
})
