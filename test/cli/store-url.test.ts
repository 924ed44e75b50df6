import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { startBreakableProxy } from '../support/breakable-proxy.ts'
import { type Finished, portcullis, startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { startPostgres, type TestDatabase, type TestPostgres } from '../support/postgres.ts'
import { until } from '../support/until.ts'

describe('store.url', () => {
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

  const secret = 'a-secret-of-more-than-32-bytes-for-all-the-replicas'
  const folder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-replica-'))
  const environment = (url: string): Record<string, string> => ({
    PORTCULLIS_STORE_URL: url,
    PORTCULLIS_SECRET: secret,
  })
  const runArgs = (port: number): string[] => {
    return ['run', '--upstream', 'http://127.0.0.1:9/mcp', '--port', String(port), '--data', folder()]
  }
  const refused = async (url: string, env: Record<string, string> = {}): Promise<Finished> => {
    const finished = await portcullis(runArgs(await freePort()), { ...environment(url), ...env })
    assert.equal(finished.code, 2, finished.stderr)
    assert.doesNotMatch(finished.stderr, /^\s+at /m, 'no stack trace')
    for (const password of [postgres.password, 'wrong-pass'])
      assert.ok(!(finished.stdout + finished.stderr).includes(password), 'the password is told to nobody')
    return finished
  }
  const changed = (change: Partial<URL>): string => Object.assign(new URL(database.url), change).href

  it('refuses the start when the database cannot be used, with the cause and the fix', async () => {
    const cases: [string, RegExp][] = [
      [changed({ port: '1' }), /at 127\.0\.0\.1:1 cannot be used \(.*ECONNREFUSED.*\): start it/],
      [changed({ hostname: 'nowhere.invalid' }), /\(.*nowhere\.invalid\): /],
      [changed({ password: 'wrong-pass' }), /password authentication failed.*: correct the user/],
      [changed({ pathname: '/missing' }), /database missing at .*: create the database/],
      [changed({ pathname: '/%zz' }), /database %zz at .*: create the database/],
      [changed({ pathname: '/' }), /store\.url: must be a URL such as/],
      [`mysql://user:wrong-pass@127.0.0.1/x`, /store\.url: must be a URL such as/],
    ]
    for (const [url, expected] of cases) assert.match((await refused(url)).stderr, expected)
    await database.query(`create role poor login password 'wrong-pass'`)
    const poor = await refused(changed({ username: 'poor', password: 'wrong-pass' }))
    assert.match(poor.stderr, /permission denied for schema public; make the user .* the owner/)
  })

  it('refuses the start when the database goes away meanwhile', async () => {
    const { hostname, port } = new URL(database.url)
    const proxy = await startBreakableProxy({ host: hostname, port: Number(port || 5432) })
    proxy.breakAt('last-start')
    const { stderr } = await refused(changed({ hostname: '127.0.0.1', port: String(proxy.port) }))
    assert.match(stderr, /^portcullis: the store cannot be reached: /m)
  })

  it('can stand in the file as the name of a variable, and needs a secret', async () => {
    const file = join(folder(), 'portcullis.yaml')
    writeFileSync(file, `store: { url: $DATABASE }\nupstreams: [{ name: a, url: http://127.0.0.1:9/mcp }]\n`)
    const check = (env: Record<string, string>) => portcullis(['check', '-c', file], env)
    assert.match(
      (await check({ PORTCULLIS_SECRET: secret })).stderr,
      /store\.url: the variable \$DATABASE is not set/,
    )
    const without = await check({ DATABASE: database.url })
    assert.equal(without.code, 2)
    assert.match(without.stderr, /secret: must be set where store\.url is.*openssl rand/)
    assert.ok(!without.stderr.includes(postgres.password))
    assert.equal((await check({ DATABASE: database.url, PORTCULLIS_SECRET: secret })).code, 0)
  })

  const startReplica = async (test: TestContext, port: number, publicUrl: string): Promise<string> => {
    await startPortcullis(test, runArgs(port), {
      ...environment(database.url),
      PORTCULLIS_PUBLIC_URL: publicUrl,
      PORTCULLIS_ALLOWED_HOSTS: `127.0.0.1:${port}`,
    })
    return `http://127.0.0.1:${port}`
  }

  it('lets replicas that start at once on an empty database serve as one', {
    timeout: 60_000,
  }, async (test) => {
    const ports = [await freePort(), await freePort()]
    const publicUrl = `http://127.0.0.1:${ports[0]}`
    const starts = ports.map((port) => startReplica(test, port, publicUrl))
    const [here, there] = (await Promise.all(starts)) as [string, string]
    const keys = await Promise.all([here, there].map(async (url) => (await fetch(`${url}/jwks`)).text()))
    assert.equal(keys[0], keys[1], 'they agree on the signing keys')
    const registered = await OAuthClient.register(here, { redirect_uris: ['http://127.0.0.1:1/cb'] })
    const at = (url: string): OAuthClient =>
      new OAuthClient(url, registered.clientId, 'http://127.0.0.1:1/cb')
    const { status, body } = await at(there).redeem(await at(here).authorize({ scope: 'mcp:tools:read' }))
    assert.equal(status, 200, 'a code of one is good at the other')
    const refreshed = await at(here).refresh(body.refresh_token)
    assert.equal(refreshed.status, 200)
    const ask = async (url: string): Promise<number> => {
      const headers = {
        authorization: `Bearer ${refreshed.body.access_token}`,
        'content-type': 'application/json',
      }
      const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
      return (await fetch(`${url}/mcp`, { method: 'POST', headers, body: list })).status
    }
    assert.deepEqual([await ask(here), await ask(there)], [502, 502], 'let in; there is no server behind')
    await at(here).token(
      { token: refreshed.body.refresh_token, client_id: registered.clientId },
      { path: '/revoke' },
    )
    assert.equal(await ask(here), 401)
    await until(async () => (await ask(there)) === 401, 'the other one hears of the revocation')

    for (const [args, expected] of [
      [['client', 'list'], new RegExp(`^${registered.clientId} `, 'm')],
      [['key', 'list'], / access tokens +ES256 +active /],
    ] as const) {
      const { stdout, stderr } = await portcullis([...args, '--data', folder()], environment(database.url))
      assert.match(stdout, expected, stderr)
    }

    const foreign = await refused(database.url, { PORTCULLIS_SECRET: `${secret}-another` })
    assert.match(foreign.stderr, /made with another secret: .*all replicas of one database need the same/)
  })
})
