import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs, {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { before, describe, it } from 'node:test'
import { systemClock as clock } from '../../src/core/clock.ts'
import { masterSecret } from '../../src/core/secret.ts'
import { writeBackup } from '../../src/storage/backup/backup.ts'
import { restoreBackup } from '../../src/storage/backup/restore.ts'
import { storeFile } from '../../src/storage/database/open-embedded.ts'
import { openStore } from '../../src/storage/open.ts'
import { pretendWindowsFiles } from '../support/pretend-platform.ts'
import { replaceFs } from '../support/replace-fs.ts'

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-restore-'))
const keyOf = (secret: string) => masterSecret(Buffer.from(secret, 'base64url'))

/** A backup with its secret, which is made of one letter. */
async function makeBackup(letter: string): Promise<string> {
  const [folder, secret] = [newFolder(), letter.repeat(43)]
  await (await openStore({ folder, secret: keyOf(secret), clock })).close()
  const file = join(folder, 'backup')
  await writeBackup(storeFile(folder), file, { secret, withSecret: true, replace: false })
  return file
}

/** Resolves with the folder that keeps what was there. */
async function restore(
  file: string,
  folder: string,
  replace = false,
  record: () => Promise<void> = async () => undefined,
): Promise<string | undefined> {
  let old: string | undefined
  await restoreBackup(file, folder, {
    configured: undefined,
    replace,
    now: new Date(clock.now()),
    async record(kept) {
      old = kept
      await record()
    },
  })
  return old
}

/** The store opens with its secret only. */
async function openRestored(folder: string): Promise<string> {
  const secret = readFileSync(join(folder, 'secret'), 'utf8').trim()
  await (await openStore({ folder, secret: keyOf(secret), clock })).close()
  return secret
}

describe('a restore', () => {
  let first: string
  let second: string
  before(async () => {
    first = await makeBackup('a')
    second = await makeBackup('b')
  })

  for (const [where, prepare, replace] of [
    ['an empty folder', () => undefined, false],
    ['the folder of a damaged store', (folder: string) => writeFileSync(storeFile(folder), 'damaged'), true],
  ] as const) {
    it(`has ${where} to itself: another one is told so, and writes nothing`, async () => {
      const folder = newFolder()
      prepare(folder)
      const [done, refused] = await Promise.allSettled([
        restore(first, folder, replace),
        restore(second, folder, replace),
      ])
      assert.equal(done.status, 'fulfilled')
      assert.match(
        String((refused as PromiseRejectedResult).reason),
        /another restore is running on .*: wait/,
      )
      assert.equal(await openRestored(folder), 'a'.repeat(43))
      const names = readdirSync(folder).filter((name) => !name.startsWith('before-restore-'))
      assert.deepEqual(names.toSorted(), ['portcullis.sqlite', 'secret'])
      await restore(second, folder, true)
      assert.equal(await openRestored(folder), 'b'.repeat(43))
    })
  }

  it('does not begin beside the third one that came when the first was done', async (test) => {
    const folder = newFolder()
    const locking = test.mock.method(
      DatabaseSync.prototype,
      'exec',
      function (this: DatabaseSync, sql: string) {
        rmSync(join(folder, 'restoring')) // the first one is done
        locking.mock.restore()
        this.exec(sql)
      },
    )
    await assert.rejects(restore(second, folder), /another restore is running on .*: wait/)
    assert.deepEqual(readdirSync(folder), [])
    await restore(first, folder)
    assert.equal(await openRestored(folder), 'a'.repeat(43))
  })

  it('is recorded in the store that it restored: no other one comes first', async () => {
    const folder = newFolder()
    await restore(first, folder, false, async () => {
      assert.equal(await openRestored(folder), 'a'.repeat(43))
      await assert.rejects(restore(second, folder, true), /another restore is running on .*: wait/)
    })
    assert.equal(await openRestored(folder), 'a'.repeat(43))
  })

  it('names a folder in the place of a file that it writes, and leaves everything as it was', async () => {
    for (const name of ['restoring', 'portcullis.sqlite', 'secret']) {
      const folder = newFolder()
      mkdirSync(join(folder, name))
      await assert.rejects(restore(first, folder, true), {
        name: 'StoreUnusable',
        message: `${join(folder, name)} is a folder: move it away`,
      })
      assert.deepEqual(readdirSync(folder), [name])
    }
  })

  it('replaces nothing unless it may, nor the store of a server that is running', async () => {
    const folder = newFolder()
    await restore(first, folder)
    await assert.rejects(restore(second, folder), /is not empty: name another data folder, or replace/)
    const server = await openStore({ folder, secret: keyOf('a'.repeat(43)), clock })
    await assert.rejects(restore(second, folder, true), /a server is running on .*: stop it first$/)
    await server.close()
    assert.equal(await openRestored(folder), 'a'.repeat(43))
  })

  it('makes a store that its owner alone can read, whoever can read the backup', async () => {
    const folder = newFolder()
    const copy = join(newFolder(), 'backup')
    copyFileSync(first, copy)
    chmodSync(copy, 0o644)
    await restore(copy, folder)
    for (const name of ['portcullis.sqlite', 'secret'])
      assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  })

  it('keeps the log of a damaged store, which it removes, for the owner alone', async () => {
    const folder = newFolder()
    for (const suffix of ['', '-wal']) writeFileSync(storeFile(folder) + suffix, `damaged${suffix}`)
    const kept = (await restore(first, folder, true)) ?? ''
    assert.equal(readFileSync(join(kept, 'portcullis.sqlite-wal'), 'utf8'), 'damaged-wal')
    for (const [name, mode] of [
      ['', 0o700],
      ['portcullis.sqlite', 0o600],
      ['portcullis.sqlite-wal', 0o600],
    ] as const)
      assert.equal(statSync(join(kept, name)).mode & 0o777, mode, name)
    assert.deepEqual(readdirSync(folder).slice(1).toSorted(), ['portcullis.sqlite', 'secret'])
    assert.equal(await openRestored(folder), 'a'.repeat(43))
  })

  it('belongs to the user of the servers, whose folder it is, where root makes it', async (test) => {
    const folder = newFolder()
    const { uid, gid } = statSync(folder)
    test.mock.method(process as { getuid: () => number }, 'getuid', () => 0)
    const given: number[] = []
    replaceFs(test, 'fchownSync', (descriptor, ...owner) => {
      assert.deepEqual(owner, [uid, gid])
      given.push(fs.fstatSync(descriptor).ino)
    })
    await restore(first, folder)
    const restored = [storeFile(folder), join(folder, 'secret')].map((path) => statSync(path).ino)
    assert.deepEqual(given, restored)
  })

  it('lets nobody use the old store until the new one is in its place', async (test) => {
    const folder = newFolder()
    await restore(first, folder)
    const rename = fs.renameSync.bind(fs)
    const using = `new (require('node:sqlite').DatabaseSync)(process.argv[1]).exec('create table later (a)')`
    const tries: string[] = []
    replaceFs(test, 'renameSync', (from, to) => {
      tries.push(spawnSync(process.execPath, ['-e', using, storeFile(folder)], { encoding: 'utf8' }).stderr)
      rename(from, to)
    })
    await restore(second, folder, true)
    assert.ok(tries.length > 0)
    for (const stderr of tries) assert.match(stderr, /database is locked/)
  })

  it('puts the old secret back where the new store cannot take its place', async (test) => {
    const folder = newFolder()
    await restore(first, folder)
    const rename = fs.renameSync.bind(fs)
    let failing = join(folder, 'secret.restoring')
    replaceFs(test, 'renameSync', (from, to) => {
      if (from === failing) throw new Error('the disk is read-only')
      rename(from, to)
    })
    await assert.rejects(restore(second, folder, true), /the disk is read-only/)
    assert.ok(!readdirSync(folder).some((name) => name.endsWith('.restoring')))
    failing = `${storeFile(folder)}.restoring`
    await assert.rejects(restore(second, folder, true), /the disk is read-only/)
    assert.equal(await openRestored(folder), 'a'.repeat(43))
    for (const path of [storeFile(folder), join(folder, 'secret')]) rmSync(path)
    await assert.rejects(restore(second, folder, true), /the disk is read-only/)
    const left = readdirSync(folder)
    assert.deepEqual(
      left.filter((name) => !name.startsWith('before-restore-')),
      [],
      'no secret stays without its store',
    )
    for (const kept of left) assert.equal(await openRestored(join(folder, kept)), 'a'.repeat(43))
  })

  it('puts back a link for the secret as it was, and what it leads to is read by nobody else', async (test) => {
    const folder = newFolder()
    await restore(first, folder)
    const [secret, elsewhere] = [join(folder, 'secret'), join(newFolder(), 'of root')]
    fs.renameSync(secret, elsewhere)
    fs.symlinkSync(elsewhere, secret)
    const rename = fs.renameSync.bind(fs)
    replaceFs(test, 'renameSync', (from, to) => {
      if (to === storeFile(folder)) throw new Error('it has been removed')
      rename(from, to)
    })
    await assert.rejects(restore(second, folder, true), /it has been removed/)
    assert.equal(fs.readlinkSync(secret), elsewhere)
  })

  it('takes no notice of what one left behind that was killed', async () => {
    const folder = newFolder()
    for (const name of ['restoring', 'portcullis.sqlite.restoring', 'secret.restoring', 'secret.replaced'])
      writeFileSync(join(folder, name), '')
    await restore(first, folder, true)
    assert.deepEqual(readdirSync(folder).toSorted(), ['portcullis.sqlite', 'secret'])
  })
})

describe('where a file that is open can be neither flushed unless for writing, nor removed, nor replaced', () => {
  it('a backup is written, and restored to a folder without a store, and nothing of them is left', async (test) => {
    pretendWindowsFiles(test)
    const backup = await makeBackup('a')
    assert.deepEqual(readdirSync(dirname(backup)).toSorted(), ['backup', 'portcullis.sqlite'])
    const folder = newFolder()
    assert.equal(await restore(backup, folder), undefined)
    assert.equal(await openRestored(folder), 'a'.repeat(43))
    assert.deepEqual(readdirSync(folder).toSorted(), ['portcullis.sqlite', 'secret'])
  })

  it('a restore to a store is refused with what to do instead, and leaves everything as it was', async (test) => {
    pretendWindowsFiles(test)
    const folder = newFolder()
    await restore(await makeBackup('a'), folder)
    const names = readdirSync(folder)
    await assert.rejects(restore(await makeBackup('b'), folder, true), {
      name: 'StoreUnusable',
      message: `on Windows no store can be replaced, as the one in ${folder}: name another data folder, or move that one away`,
    })
    assert.deepEqual(readdirSync(folder), names)
    assert.equal(await openRestored(folder), 'a'.repeat(43))
  })
})
