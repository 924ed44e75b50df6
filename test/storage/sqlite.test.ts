import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { storeFile } from '../../src/storage/open.ts'
import { sqliteEngine } from '../support/engines.ts'
import { storeContract } from './contract.ts'

storeContract('SQLite', sqliteEngine)

describe('the file of the embedded store', () => {
  it('can be read by its owner alone, and its log holds no id either', async () => {
    const home = await (await sqliteEngine()).create()
    const store = await home.open()
    const file = storeFile(home.folder as string)
    await store.artifacts.put({ model: 'RefreshToken', id: 'the-bearer-secret', payload: {} })
    for (const path of [file, `${file}-wal`]) {
      assert.equal((await stat(path)).mode & 0o777, 0o600, path)
      assert.ok(!(await readFile(path)).includes('the-bearer-secret'))
    }
    await store.close()
    await home.destroy()
  })

  it('gives no grant the refresh token of another, whoever puts it there (B4)', async () => {
    const home = await (await sqliteEngine()).create()
    const store = await home.open()
    const grants = ['one', 'other']
    for (const id of grants) {
      await store.artifacts.put({ model: 'Grant', id, grantId: id, payload: {} })
      await store.artifacts.holdRefreshToken(id, { payload: { of: id }, serial: 0, uses: [] }, undefined)
    }
    const database = new DatabaseSync(storeFile(home.folder as string))
    database.exec(
      'update artifacts set refresh_token = (select refresh_token from artifacts order by id limit 1)',
    )
    database.close()
    const found = await Promise.allSettled(grants.map((id) => store.artifacts.find('Grant', id)))
    assert.deepEqual(found.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    await store.close()
    await home.destroy()
  })
})
