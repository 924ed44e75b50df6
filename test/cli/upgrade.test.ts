import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { storeFile } from '../../src/storage/database/open-embedded.ts'
import { openSqlite } from '../../src/storage/database/sqlite.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { portcullis, startPortcullis } from '../support/command.ts'
import { configFile } from '../support/config-problems.ts'
import { freePort } from '../support/installation.ts'

const told = /portcullis: bringing the store to this version: that takes some minutes if it is large/

const env = { PORTCULLIS_SECRET: 's'.repeat(43) }
const list = async (data: string): Promise<string> =>
  (await portcullis(['user', 'list', '--data', data], env)).stderr

async function makeOldStore(): Promise<string> {
  const data = mkdtempSync(join(tmpdir(), 'portcullis-upgrade-'))
  const db = openSqlite(storeFile(data))
  await migrate(db, '0001-initial')
  await db.destroy()
  return data
}

/** Starts a server on a data folder. Returns what it says. */
async function serve(test: TestContext, data: string, workers: number): Promise<string> {
  const listen = { gateway: await freePort(), admin: 0, authorizationServer: 0 }
  const upstreams = [{ name: 'a', url: 'http://127.0.0.1:9/mcp' }]
  const file = configFile(JSON.stringify({ data, listen, upstreams, mode: 'development', workers }))
  const { output } = await startPortcullis(test, ['serve', '-c', file], env, '"msg":"ready"')
  return output()
}

for (const workers of [1, 2])
  it(`a server of ${workers === 1 ? 'one process' : 'two workers'} says that it brings an old store to this version, once`, async (test) => {
    const data = await makeOldStore()
    assert.equal((await serve(test, data, workers)).split(told).length, 2)
    assert.equal(await list(data), '')
  })

it('a server without a configuration file says that it brings an old store to this version', async (test) => {
  const [data, port] = [await makeOldStore(), await freePort()]
  const args = ['run', '--upstream', 'http://127.0.0.1:9/mcp', '--data', data, '--port', String(port)]
  assert.match((await startPortcullis(test, args, env)).output(), told)
})

it('a command says that it brings an old store to this version, once', async () => {
  const data = await makeOldStore()
  assert.match(await list(data), told)
  assert.equal(await list(data), '')
})

it('nothing is said of a store that is new', async (test) => {
  const data = mkdtempSync(join(tmpdir(), 'portcullis-upgrade-'))
  assert.doesNotMatch(await serve(test, data, 1), told)
})
