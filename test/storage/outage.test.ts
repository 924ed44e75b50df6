import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type BreakableProxy, startBreakableProxy } from '../support/breakable-proxy.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

describe('while the database is away', () => {
  let postgres: TestPostgres
  let database: TestDatabase
  let proxy: BreakableProxy
  let installation: Installation
  let client: OAuthClient
  before(async () => {
    postgres = await startPostgres()
    database = await postgres.createDatabase()
    const url = new URL(database.url)
    proxy = await startBreakableProxy({ host: url.hostname, port: Number(url.port || 5432) })
    url.host = `127.0.0.1:${proxy.port}`
    installation = await startInstallation({ store: { url: url.href } })
    client = new OAuthClient(installation.url)
  })
  after(async () => {
    await installation.close()
    await proxy.break()
    await database.drop()
    await postgres.stop()
  })

  const readiness = async (): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${installation.adminUrl}/readyz`)
    return { status: response.status, text: await response.text() }
  }

  it('the log says so once in the words of each reason, and once that it is over', async () => {
    const told = (): string[] =>
      installation
        .log()
        .split('\n')
        .filter((line) => line.includes('the store can') && !line.includes('"kind"'))
        .map((line) => (JSON.parse(line) as { msg: string }).msg)
    await proxy.break()
    await until(() => told().some((one) => one.includes('ECONNREFUSED')), 'nobody listens')
    // All that looks into the store now and then does so several times.
    await new Promise((resolve) => setTimeout(resolve, 3500))
    await proxy.mend()
    await until(() => told().at(-1) === 'the store can be reached again', 'it is back')
    const outage = told().slice(0, -1)
    assert.deepEqual(outage, [...new Set(outage)])
    for (const one of outage) assert.match(one, /^the store cannot be reached: .+ \(it is tried again\)$/)
  })

  it('nothing is given, nothing is lost, and all goes on when it is back', async () => {
    const { refresh_token: token, access_token: access } = await client.signIn({ scope: 'mcp:tools:read' })
    const issued = await client.authorize({ scope: 'mcp:tools:read' })
    assert.equal((await readiness()).status, 200)

    await proxy.break()
    const notReady = await readiness()
    assert.equal(notReady.status, 503)
    // The use of a machine's client is noted when the library has its answer ready.
    const machine = { client_id: 'machine', client_secret: 'machine-secret-of-the-tests' }
    for (const answer of [
      await client.refresh(token),
      await client.redeem(issued),
      await client.token({ grant_type: 'client_credentials', ...machine }),
    ]) {
      assert.equal(answer.status, 503)
      assert.deepEqual(Object.keys(answer.body).toSorted(), ['error', 'error_description'])
      assert.equal(answer.body.error, 'temporarily_unavailable')
    }
    const raw = await fetch(`${installation.url}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: client.clientId,
        refresh_token: token,
      }),
    })
    assert.deepEqual([raw.status, raw.headers.get('retry-after')], [503, '5'])
    await assert.rejects(client.authorize(), /Something went wrong/)
    // What was missing is remembered before the client hears of it.
    const call = await fetch(installation.mcpUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${access}`, 'content-type': 'application/json' },
      body: '{"jsonrpc":"2.0","id":1,"method":"resources/list"}',
    })
    assert.deepEqual([call.status, call.headers.get('retry-after')], [503, '5'])
    const registration = OAuthClient.register(installation.url, { redirect_uris: ['http://127.0.0.1:1/cb'] })
    await assert.rejects(registration, /answered 503/)
    const health = await fetch(`${installation.adminUrl}/healthz`)
    assert.equal(health.status, 200, 'the process lives')

    await proxy.mend()
    assert.equal((await readiness()).status, 200)
    assert.equal((await client.refresh(token)).status, 200, 'what was refused was not used up')
    assert.equal((await client.redeem(issued)).status, 200)
    assert.match(installation.log(), /"status":503.*the store cannot be reached: /)
    assert.doesNotMatch(
      installation.log(),
      /"stack":.*Connection/,
      'no trace: nothing is wrong with the program',
    )
    assert.ok(!installation.log().includes(postgres.password), 'the password is in no line')
    assert.ok(!notReady.text.includes(postgres.password))
  })

  for (const [why, code] of [
    ['is full', 'disk_full'],
    ['gives up statements, as the operator has told it', 'query_canceled'],
  ]) {
    it(`so is one that ${why}, which uses nothing up`, async () => {
      const browser = new FormBrowser()
      const { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' }, browser)
      const refuse = `begin raise exception 'could not be written' using errcode = '${code}'; end`
      await database.query(`create function refuse() returns trigger language plpgsql as $$ ${refuse} $$`)
      await database.query(
        'create trigger refuse before insert or update on artifacts execute function refuse()',
      )
      const { status, body } = await client.refresh(token)
      const begun = await browser.open(client.authorizationUrl({ verifier: 'v'.repeat(43) }))
      await database.query('drop function refuse cascade')
      assert.deepEqual([status, body.error], [503, 'temporarily_unavailable'])
      assert.equal((await client.refresh(token)).status, 200)
      // The library also fails to store the session of a user who is signed in.
      assert.deepEqual([begun.status, begun.headers.get('retry-after')], [503, '5'])
      assert.match(begun.html, /Something went wrong/)
    })
  }

  it('the log does not say that it can be reached again while it can be read alone', async () => {
    const { access_token: access } = await client.signIn({ scope: 'mcp:tools:read' })
    const refuse = `begin raise exception 'no room for a challenge' using errcode = 'disk_full'; end`
    await database.query(`create function refuse() returns trigger language plpgsql as $$ ${refuse} $$`)
    await database.query('create trigger refuse before update on artifacts execute function refuse()')
    const begin = installation.log().length
    const told = (): string[] =>
      installation
        .log()
        .slice(begin)
        .match(/the store can[^"]+/g) ?? []
    const isOver = (): boolean => told().some((one) => one === 'the store can be reached again')
    const begun = Date.now()
    while (Date.now() < begun + 2500) {
      const { status } = await fetch(installation.mcpUrl, {
        method: 'POST',
        headers: { authorization: `Bearer ${access}`, 'content-type': 'application/json' },
        body: '{"jsonrpc":"2.0","id":1,"method":"resources/list"}',
      })
      assert.equal(status, 503)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.ok(told().some((one) => one.includes('no room for a challenge (it is tried again)')))
    assert.ok(!isOver())
    await database.query('drop function refuse cascade')
    await until(isOver, 'it has room again')
  })

  it('idle connections that the server ends are replaced', async () => {
    const { refresh_token: token } = await client.signIn({ scope: 'mcp:tools:read' })
    // Who asks meanwhile may be given a connection whose end has not arrived yet.
    const allEnded = proxy.ended()
    await database.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    await allEnded
    const told = /terminating connection due to administrator command/
    await until(() => told.test(installation.log()), 'the log tells of it')
    assert.equal((await client.refresh(token)).status, 200)
  })

  it('the database of a sink of the audit is not taken for the store', async (test) => {
    const copy = await postgres.createDatabase()
    const sinks = [{ kind: 'postgres', name: 'copy', url: copy.url }] as const
    const other = await startInstallation({ config: { audit: { sinks: [...sinks] } } })
    test.after(async () => {
      await other.close()
      await copy.drop()
    })
    const signIn = (): Promise<unknown> => new OAuthClient(other.url).signIn({ scope: 'mcp:tools:read' })
    const tokens = async (): Promise<number> =>
      (await copy.query(`select from audit_events where event = 'oauth.token'`).catch(() => [])).length
    await signIn()
    await until(async () => (await tokens()) === 1, 'it has the events')
    await copy.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    await signIn()
    await until(async () => (await tokens()) === 2, 'it has the next events')
    assert.doesNotMatch(other.log(), /the store can/)
  })
})
