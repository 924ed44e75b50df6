import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { systemClock as clock } from '../../src/core/clock.ts'
import { masterSecret } from '../../src/core/secret.ts'
import { openBackup, writeBackup } from '../../src/storage/backup/backup.ts'
import { storeFile } from '../../src/storage/database/open-embedded.ts'
import { openStore } from '../../src/storage/open.ts'
import { replaceFs } from '../support/replace-fs.ts'

const secret = 's'.repeat(43)
const holding = join(import.meta.dirname, '../../src/storage/backup/hold-alone.ts')

const notPermitted = (): never => {
  throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' })
}

async function makeStore(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-backup-'))
  const store = await openStore({ folder, secret: masterSecret(Buffer.from(secret, 'base64url')), clock })
  await store.close()
  return folder
}

/** Has a table hold what it may not, as after a fault of the disk that leaves all pages readable. */
function damage(file: string): void {
  const database = new DatabaseSync(file, { defensive: false })
  database.exec(`create table damaged (a); insert into damaged values (null); pragma writable_schema = on;
    update sqlite_schema set sql = 'CREATE TABLE damaged (a not null)' where name = 'damaged'`)
  database.close()
}

describe('a backup', () => {
  it('has its file to itself: another one is told so, and spoils nothing', async () => {
    const folder = await makeStore()
    const file = join(folder, 'backup')
    const write = () => writeBackup(storeFile(folder), file, { secret, withSecret: true, replace: true })
    const [done, refused] = await Promise.allSettled([write(), write()])
    assert.equal(done.status, 'fulfilled')
    assert.match(
      String((refused as PromiseRejectedResult).reason),
      /another backup is being written to .*: wait/,
    )
    const names = readdirSync(folder)
    assert.deepEqual(names.toSorted(), ['backup', 'portcullis.sqlite'])
    await write()
    assert.equal(await openBackup(file, undefined), secret)
  })

  it('leaves the store to those in its process that use it, so that no other process takes it for unused', async () => {
    const folder = await makeStore()
    const store = await openStore({ folder, secret: masterSecret(Buffer.from(secret, 'base64url')), clock })
    const file = join(folder, 'backup')
    await writeBackup(storeFile(folder), file, { secret, withSecret: true, replace: false })
    const hold = `const { holdDatabase } = await import(${JSON.stringify(holding)})
      console.log(holdDatabase(${JSON.stringify(storeFile(folder))}))`
    const args = ['--input-type=module', '-e', hold]
    assert.equal(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout, 'undefined\n')
    await store.close()
  })

  it('takes the place of no file that came meanwhile', async () => {
    const folder = await makeStore()
    const file = join(folder, 'backup')
    const writing = writeBackup(storeFile(folder), file, { secret, withSecret: true, replace: false })
    writeFileSync(file, 'of another')
    await assert.rejects(writing, /is there already: choose another name/)
    assert.equal(readFileSync(file, 'utf8'), 'of another')
  })

  it('can be written where there are no hard links', async (test) => {
    const folder = await makeStore()
    const file = join(folder, 'backup')
    replaceFs(test, 'linkSync', notPermitted)
    await writeBackup(storeFile(folder), file, { secret, withSecret: true, replace: false })
    assert.equal(await openBackup(file, undefined), secret)
  })

  it('leaves nothing where it cannot be put in its place', async (test) => {
    const folder = await makeStore()
    const file = join(folder, 'backup')
    replaceFs(test, 'renameSync', notPermitted)
    const writing = writeBackup(storeFile(folder), file, { secret, withSecret: true, replace: false })
    await assert.rejects(writing, /EPERM/)
    assert.deepEqual(readdirSync(folder), ['portcullis.sqlite'])
  })

  it('goes by no link that somebody else has put beside its file', async () => {
    const folder = await makeStore()
    const file = join(folder, 'backup')
    const elsewhere = join(folder, 'elsewhere')
    symlinkSync(elsewhere, `${file}.unfinished.lock`)
    const writing = writeBackup(storeFile(folder), file, { secret, withSecret: true, replace: false })
    await assert.rejects(writing, { code: 'ELOOP' })
    for (const name of [file, elsewhere]) assert.equal(existsSync(name), false)
  })

  it('takes the place of what one left that was killed', async () => {
    const folder = await makeStore()
    const file = join(folder, 'backup')
    for (const suffix of ['.unfinished', '.unfinished.lock'])
      writeFileSync(file + suffix, 'of the killed one')
    await writeBackup(storeFile(folder), file, { secret, withSecret: true, replace: false })
    assert.equal(await openBackup(file, undefined), secret)
    assert.deepEqual(readdirSync(folder).toSorted(), ['backup', 'portcullis.sqlite'])
  })
})

describe('what comes out of a backup', () => {
  it('is opened with the configured secret alone, whichever it contains', async () => {
    const folder = await makeStore()
    const file = join(folder, 'backup')
    await writeBackup(storeFile(folder), file, { secret, withSecret: true, replace: false })
    await assert.rejects(openBackup(file, 'o'.repeat(43)), /it was made with another secret/)
    assert.ok(readFileSync(file).includes(secret))
    assert.equal(await openBackup(file, secret), secret)
    assert.ok(!readFileSync(file).includes(secret), 'nor does a store hold it, not even in a free page')
  })

  it('is not made anew where a command that is told to stop has removed it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-backup-'))
    await assert.rejects(openBackup(join(folder, 'copy'), undefined), /ENOENT/)
    assert.deepEqual(readdirSync(folder), [])
  })
})

describe('a store that can be read and is damaged', () => {
  it('goes into no backup, which would take the place of a good one', async () => {
    const folder = await makeStore()
    const file = join(folder, 'backup')
    damage(storeFile(folder))
    const writing = writeBackup(storeFile(folder), file, { secret, withSecret: true, replace: false })
    await assert.rejects(writing, /the store is damaged/)
    for (const name of [file, `${file}.unfinished`]) assert.equal(existsSync(name), false)
  })

  it('comes out of no backup', async () => {
    const folder = await makeStore()
    const file = join(folder, 'backup')
    await writeBackup(storeFile(folder), file, { secret, withSecret: true, replace: false })
    damage(file)
    await assert.rejects(openBackup(file, undefined), /the backup cannot be used: the store is damaged/)
  })
})
