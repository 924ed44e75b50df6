import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { before, describe, it } from 'node:test'
import { portcullis } from '../support/command.ts'

const program = join(import.meta.dirname, '../../bin/portcullis.js')
const folder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-full-disk-'))

/** An installation with an event in its audit. */
async function makeInstallation(data: string): Promise<void> {
  const env = { PORTCULLIS_LOGIN_USERS: 'local' }
  const { code, stderr } = await portcullis(['user', 'invite', 'alice', '--data', data], env)
  assert.equal(code, 0, stderr)
}

/** Runs `portcullis` where no file may become larger than that, and expects the reason, in one line. */
async function runOnFullDisk(blocks: number, ...args: string[]): Promise<string> {
  const limited = ['-c', `ulimit -f ${blocks}; exec "$@"`, 'sh', process.execPath, program, ...args]
  const child = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  assert.equal(code, 2, stderr)
  assert.match(stderr, /^portcullis: .+\n$/)
  return stderr
}

describe('on a disk that is full', () => {
  const data = folder()
  before(() => makeInstallation(data))

  it('an installation leaves no half of a secret behind, with which it could never start', async () => {
    const fresh = folder()
    assert.match(await runOnFullDisk(0, 'user', 'invite', 'alice', '--data', fresh), /EFBIG/)
    assert.deepEqual(readdirSync(fresh), [])
  })

  it('a store that is there is named, and what to look for', async () => {
    const reason = await runOnFullDisk(0, 'user', 'list', '--data', data)
    assert.match(reason, /: the store .+portcullis\.sqlite cannot be opened \(disk I\/O error\): see that /)
  })

  it('an export says why it cannot be written, and leaves the file of the last time as it was', async () => {
    const target = folder()
    const out = join(target, 'out')
    writeFileSync(out, 'of yesterday')
    const reason = await runOnFullDisk(0, 'audit', 'export', '--data', data, '--out', out)
    assert.match(reason, /^portcullis: --out: cannot be written \(EFBIG: /)
    assert.equal(readFileSync(out, 'utf8'), 'of yesterday')
    assert.deepEqual(readdirSync(target), ['out'])
  })

  it('a backup says that it cannot be written, and leaves nothing', async () => {
    const target = folder()
    const reason = await runOnFullDisk(100, 'backup', '--data', data, join(target, 'store.backup'))
    assert.match(reason, /^portcullis: the backup cannot be written: disk I\/O error$/m)
    assert.deepEqual(readdirSync(target), [])
  })
})

const fullDevice = '/dev/full'

describe('what cannot be written', () => {
  const data = folder()
  before(() => makeInstallation(data))

  it('is told by a report', async () => {
    const out = join(folder(), 'out')
    symlinkSync(fullDevice, out)
    const { code, stderr } = await portcullis(['audit', 'report', '--data', data, '--out', out])
    assert.equal(code, 2, stderr)
    assert.match(stderr, /^portcullis: --out: cannot be written \(ENOSPC: .+\n$/)
  })

  for (const what of [
    'audit export',
    'audit query',
    'audit keys',
    'user list',
    'client add --public --name one',
  ])
    it(`is told by ${what} on standard output`, async () => {
      const full = openSync(fullDevice, 'w')
      const more = what.startsWith('client') ? ['--redirect-uri', 'https://one.example/callback'] : []
      const args = [program, ...what.split(' '), ...more, '--data', data]
      const child = spawn(process.execPath, args, { stdio: ['ignore', full, 'pipe'] })
      const [stderr, [code]] = await Promise.all([text(child.stderr as Readable), once(child, 'exit')])
      assert.equal(code, 2, stderr)
      assert.match(stderr, /^portcullis: standard output: cannot be written \(ENOSPC: .+\n$/)
    })
})

describe('the file of --out', () => {
  it('is as it was if the events cannot be read', async () => {
    const out = join(folder(), 'out')
    writeFileSync(out, 'of yesterday')
    const args = ['audit', 'export', join(tmpdir(), 'no-such-folder'), '--format', 'csv', '--out', out]
    const { code, stderr } = await portcullis(args)
    assert.equal(code, 2, stderr)
    assert.equal(readFileSync(out, 'utf8'), 'of yesterday')
  })

  it('is written to, not replaced, if it is a link, a pipe or a device', async () => {
    const target = folder()
    const [file, link] = [join(target, 'file'), join(target, 'link')]
    writeFileSync(file, 'of yesterday')
    symlinkSync(file, link)
    const data = folder()
    await makeInstallation(data)
    assert.equal((await portcullis(['audit', 'export', '--data', data, '--out', link])).code, 0)
    assert.ok(lstatSync(link).isSymbolicLink())
    assert.match(readFileSync(file, 'utf8'), /"target":"alice"/)
  })
})
