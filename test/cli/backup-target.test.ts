import assert from 'node:assert/strict'
import { lstatSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { portcullis } from '../support/command.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-backup-'))
const inFolder = (name: string): string => join(folder(), name)

describe('portcullis backup', () => {
  it('takes the place of nothing that the installation runs on, whatever it is told', async () => {
    const data = folder()
    assert.equal((await portcullis(['user', 'invite', 'alice', '--data', data])).code, 0)
    const content = (name: string): string => readFileSync(join(data, name), 'base64')
    const names = ['portcullis.sqlite', 'secret']
    const contents = names.map(content)
    const link = inFolder('link')
    symlinkSync(data, link)
    // Some file systems do not tell names apart by their case.
    const spellings = [...names, 'Secret', 'PORTCULLIS.sqlite-wal']
    for (const file of spellings.flatMap((name) => [join(data, name), join(link, name)])) {
      const { code, stderr } = await portcullis(['backup', file, '--force', '--data', data])
      assert.deepEqual(
        [code, stderr],
        [2, `portcullis: ${file}: the installation itself uses this file: name another one\n`],
      )
    }
    assert.deepEqual(names.map(content), contents)
  })

  it('takes the place of no file with a secret or the configuration, whatever it is told', async () => {
    const [data, file, config] = [folder(), inFolder('secret-of-ours'), inFolder('portcullis.json')]
    writeFileSync(file, 'a-configured-secret-of-more-than-32-bytes-in-all')
    writeFileSync(config, '{"login":{"users":"local"}}')
    const contents = [file, config].map((path) => readFileSync(path, 'utf8'))
    const env = { PORTCULLIS_SECRET_FILE: file }
    const at = ['--data', data, '-c', config]
    assert.equal((await portcullis(['user', 'invite', 'alice', ...at], env)).code, 0)
    for (const used of [file, config]) {
      const { stderr } = await portcullis(['backup', used, '--force', ...at], env)
      assert.equal(stderr, `portcullis: ${used}: the installation itself uses this file: name another one\n`)
    }
    const named = { ...env, PORTCULLIS_CONFIG: config }
    const { stderr } = await portcullis(['backup', config, '--force', '--data', data], named)
    assert.match(stderr, /the installation itself uses this file/)
    assert.deepEqual(
      [file, config].map((path) => readFileSync(path, 'utf8')),
      contents,
    )
  })

  it('takes the place of no device, pipe or link, such as /dev/stdout', async () => {
    const data = folder()
    assert.equal((await portcullis(['user', 'invite', 'alice', '--data', data])).code, 0)
    const [stdout, link, file] = [inFolder('stdout'), inFolder('link'), inFolder('file')]
    const nowhere = inFolder('nowhere')
    symlinkSync(inFolder('not-there'), nowhere)
    symlinkSync('/proc/self/fd/1', stdout)
    symlinkSync(file, link)
    writeFileSync(file, 'of yesterday')
    for (const path of [stdout, nowhere]) {
      const refused = await portcullis(['backup', path, '--force', '--data', data])
      assert.deepEqual([refused.code, refused.stdout], [2, ''])
      assert.match(refused.stderr, /: is no file, and a backup can only be written to one: name one$/m)
    }
    assert.equal((await portcullis(['backup', link, '--force', '--data', data])).code, 0)
    assert.deepEqual(
      [stdout, nowhere, link].map((path) => lstatSync(path).isSymbolicLink()),
      [true, true, true],
    )
    assert.match(readFileSync(file, 'latin1'), /^SQLite format/)
  })
})
