import assert from 'node:assert/strict'
import fs, {
  existsSync,
  fstatSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { anchorsOf, writeAnchor } from '../../src/audit/anchors.ts'
import { AuditUnusable } from '../../src/audit/audit-unusable.ts'
import { filePaths, listFiles } from '../../src/audit/files.ts'
import { replaceFile } from '../../src/audit/folder-file.ts'
import { keepTrail } from '../../src/audit/keeper.ts'
import { leaseOn } from '../../src/audit/lease.ts'
import { replaceFs } from '../support/replace-fs.ts'
import { makeTrailFolder, someEvent } from '../support/trail.ts'

const day = 24 * 3600 * 1000

describe('the folder of the audit (N34)', () => {
  it('is its owner’s alone, and so is each file', async () => {
    const made = makeTrailFolder()
    await made.open().close()
    for (const [path, mode] of [
      [made.folder, 0o700],
      [filePaths(made.folder)[0] ?? '', 0o600],
    ] as const)
      assert.equal(statSync(path).mode & 0o777, mode, path)
  })

  it('can be used by the user of the servers after a command of root, whatever that wrote there', async (test) => {
    const made = makeTrailFolder()
    await made.open().close()
    made.clock.advance(2 * day)
    const { uid, gid } = statSync(made.folder)
    test.mock.method(process as { getuid: () => number }, 'getuid', () => 0)
    const given = new Set<string>()
    const isOpenAt = (descriptor: number, name: string): boolean =>
      statSync(join(made.folder, name)).ino === fstatSync(descriptor).ino
    replaceFs(test, 'fchownSync', (descriptor, ...owner) => {
      assert.deepEqual(owner, [uid, gid])
      const name = readdirSync(made.folder).find((one) => isOpenAt(descriptor, one)) ?? ''
      given.add(name)
    })
    const { folder, clock, keys, signer, faults } = made
    const onFault = (error: unknown): void => void faults.push(error)
    const sink = { name: 'siem', deliver: async () => undefined, close: async () => undefined }
    for (const sinks of [[sink], []]) {
      const ports = { keepDays: 1, keys: async () => keys, signer, clock, onFault, onSink: onFault }
      await keepTrail({ folder, trail: made.open(), sinks, ...ports }).close()
    }
    assert.deepEqual(faults, [])
    const written = [
      'anchors.jsonl',
      basename(filePaths(folder)[0] ?? ''),
      'delivered-siem.json.new',
      'keeper.json',
    ]
    assert.deepEqual([...given].toSorted(), written)
  })

  it('is that of the user of the servers, in whose folder a command of root creates it', async (test) => {
    const made = makeTrailFolder()
    const { folder } = made
    const { uid, gid } = statSync(dirname(folder))
    test.mock.method(process as { getuid: () => number }, 'getuid', () => 0)
    const given = new Set<number>()
    replaceFs(test, 'fchownSync', (descriptor, ...owner) => {
      assert.deepEqual(owner, [uid, gid])
      given.add(fstatSync(descriptor).ino)
    })
    const inner = join(folder, 'inner')
    await made.open({ folder: inner }).close()
    for (const path of [folder, inner, filePaths(inner)[0] ?? ''])
      assert.ok(given.has(statSync(path).ino), path)
    assert.equal(given.size, 3)
  })

  it('has each file flushed and closed when the next one begins', async (test) => {
    const made = makeTrailFolder()
    const flushed = new Set<string>()
    const { fdatasyncSync: flush } = fs
    replaceFs(test, 'fdatasyncSync', (descriptor) => {
      flushed.add(basename(readlinkSync(`/proc/self/fd/${descriptor}`)))
      flush(descriptor)
    })
    const openFiles = (): string[] =>
      readdirSync('/proc/self/fd').flatMap((descriptor) => {
        const target = fs.existsSync(`/proc/self/fd/${descriptor}`)
          ? readlinkSync(`/proc/self/fd/${descriptor}`)
          : ''
        return target.startsWith(made.folder) ? [basename(target)] : []
      })
    const trail = made.open({ fileBytes: 100 })
    for (const call of ['one', 'two', 'three']) trail.commit(someEvent(call))
    const files = listFiles(made.folder)
    assert.deepEqual([files.length, openFiles()], [4, files.slice(-1)])
    assert.deepEqual([...flushed], files.slice(0, -1))
    await trail.close()
  })

  it('gives nothing away that root has elsewhere, whatever link its user puts there', async (test) => {
    const made = makeTrailFolder()
    const elsewhere = makeTrailFolder().folder
    for (const folder of [elsewhere, made.folder]) mkdirSync(folder)
    const [victim, missing] = ['victim', 'missing'].map((name) => join(elsewhere, name)) as [string, string]
    writeFileSync(victim, '')
    test.mock.method(process as { getuid: () => number }, 'getuid', () => 0)
    const given: number[] = []
    replaceFs(test, 'fchownSync', (descriptor) => void given.push(fstatSync(descriptor).ino))
    const today = new Date(made.clock.now()).toISOString().slice(0, 10)
    const file = join(made.folder, `audit-${today}.00001.jsonl`)
    symlinkSync(missing, file)
    assert.throws(() => made.open(), AuditUnusable)
    fs.rmSync(file)
    linkSync(victim, file)
    await made.open().close()
    for (const link of [symlinkSync, linkSync]) {
      link(victim, join(made.folder, 'one.json.new'))
      const before = readFileSync(victim, 'utf8')
      replaceFile(made.folder, 'one.json', { text: '{}', by: 'one.json.new' })
      assert.equal(readFileSync(victim, 'utf8'), before)
    }
    assert.equal(existsSync(missing), false)
    assert.ok(!given.includes(statSync(victim).ino))
  })

  it('writes through no link what shows that the holder of the lease is alive', () => {
    const made = makeTrailFolder()
    mkdirSync(made.folder)
    const victim = join(made.folder, 'victim')
    const lease = leaseOn(made.folder, made.clock)
    assert.ok(lease.renew())
    const place = join(made.folder, 'keeper.json')
    for (const link of [symlinkSync, linkSync]) {
      fs.renameSync(place, victim)
      link(victim, place)
      const before = readFileSync(victim, 'utf8')
      made.clock.advance(1)
      if (link === linkSync) assert.ok(lease.renew())
      else assert.throws(() => lease.renew(), { code: 'ELOOP' })
      assert.equal(readFileSync(victim, 'utf8'), before)
      if (link === symlinkSync) fs.renameSync(victim, place)
    }
  })

  it('keeps the file that is written to, however old it is', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    trail.commit(someEvent('long ago'))
    const [name] = listFiles(made.folder)
    assert.deepEqual([await made.prune(), listFiles(made.folder)], [[], [name]])
    await trail.close()
  })

  it('takes no anchor for signed that was changed', () => {
    const { signer, keys } = makeTrailFolder()
    const place = { chain: 'c', seq: 4, hash: 'h' }
    const line = writeAnchor({ file: 'audit-2026-11-27.00001.jsonl', places: [place], now: 0 }, signer())
    assert.deepEqual(anchorsOf([line], keys), { places: new Map([['c', [place]]]), wrong: [] })
    const changed = line.replace('"seq":4', '"seq":400')
    assert.deepEqual(anchorsOf([changed], keys), { places: new Map(), wrong: [1] })
  })
})

describe('the lease on it', () => {
  it('is nobody’s whose time lies far ahead, since the clock was set back', () => {
    const made = makeTrailFolder()
    mkdirSync(made.folder)
    const path = join(made.folder, 'keeper.json')
    const lease = leaseOn(made.folder, made.clock)
    writeFileSync(path, JSON.stringify({ id: 'another', at: made.clock.now() + 3_600_000 }))
    assert.deepEqual([lease.renew(), lease.renew()], [false, true])
  })

  it('stays with a holder that renews it, for as long as that does', () => {
    const made = makeTrailFolder()
    mkdirSync(made.folder)
    const [holder, other] = [leaseOn(made.folder, made.clock), leaseOn(made.folder, made.clock)]
    assert.ok(holder.renew())
    for (let round = 0; round < 5; round++) {
      made.clock.advance(6000)
      assert.deepEqual([holder.renew(), other.renew()], [true, false])
    }
  })

  it('goes to one of those who find it free at the same moment', (test) => {
    const made = makeTrailFolder()
    mkdirSync(made.folder)
    const [first, second] = [leaseOn(made.folder, made.clock), leaseOn(made.folder, made.clock)]
    const { readFileSync: read } = fs
    let isFree = true
    replaceFs(test, 'readFileSync', (...given) => {
      if (!isFree) return read(...given)
      isFree = false
      assert.ok(first.renew())
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    })
    assert.deepEqual([second.renew(), second.renew(), first.renew()], [false, false, true])
  })

  it('is given up by its holder alone', () => {
    const made = makeTrailFolder()
    mkdirSync(made.folder)
    const [holder, other] = [leaseOn(made.folder, made.clock), leaseOn(made.folder, made.clock)]
    assert.ok(holder.renew())
    other.release()
    assert.match(readFileSync(join(made.folder, 'keeper.json'), 'utf8'), /"id"/)
    assert.equal(leaseOn(made.folder, made.clock).renew(), false)
  })
})
