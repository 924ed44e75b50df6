import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
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
})
