import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { migrate } from '../../src/storage/migrate.ts'
import { storeFile } from '../../src/storage/open-embedded.ts'
import { openSqlite } from '../../src/storage/sqlite.ts'
import { portcullis, startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'

const told = /portcullis: bringing the store to this version: that takes some minutes if it is large/

for (const isServer of [true, false])
  it(`${isServer ? 'a server' : 'a command'} says that it brings an old store to this version, once`, async (test) => {
    const data = mkdtempSync(join(tmpdir(), 'portcullis-upgrade-'))
    const db = openSqlite(storeFile(data))
    await migrate(db, '0001-initial')
    await db.destroy()
    const env = { PORTCULLIS_SECRET: 's'.repeat(43) }
    const list = async () => (await portcullis(['user', 'list', '--data', data], env)).stderr
    if (isServer) {
      const args = ['run', '--upstream', 'http://127.0.0.1:9/mcp', '--data', data]
      const { output } = await startPortcullis(test, [...args, '--port', String(await freePort())], env)
      assert.match(output(), told)
    } else assert.match(await list(), told)
    assert.equal(await list(), '')
  })
