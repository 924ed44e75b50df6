import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { DataFolderUnusable, prepareDataFolder } from '../../src/keys/data-folder.ts'
import { loadMasterSecret, readSecretFile } from '../../src/keys/master-secret.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-secret-'))
const nameOf = (secret: ReturnType<typeof loadMasterSecret>): string =>
  secret.derive('a test').toString('hex')

describe('the master secret', () => {
  it('is made on the first start, for its owner alone, and is the same from then on', () => {
    const data = join(folder(), 'new')
    prepareDataFolder(data)
    assert.equal(statSync(data).mode & 0o777, 0o700)
    const first = nameOf(loadMasterSecret({ folder: data }))
    assert.equal(statSync(join(data, 'secret')).mode & 0o777, 0o600)
    assert.equal(nameOf(loadMasterSecret({ folder: data })), first)
    assert.equal(nameOf(loadMasterSecret({ folder: data, hasStore: true })), first)
    const text = readFileSync(join(data, 'secret'), 'utf8').trim()
    assert.equal(
      nameOf(loadMasterSecret({ configured: text, folder: folder() })),
      first,
      'or the one that is configured',
    )
  })

  it('is never made anew beside a store, which could not be read with it', () => {
    const data = folder()
    assert.throws(
      () => loadMasterSecret({ folder: data, hasStore: true }),
      (error) =>
        error instanceof DataFolderUnusable &&
        /secret is missing.*put it back.*restore a backup/.test(error.message),
    )
    assert.throws(() => readFileSync(join(data, 'secret')), /ENOENT/)
  })

  it('stays where it is if a process that wants to read it may open no more files', () => {
    const data = folder()
    const first = nameOf(loadMasterSecret({ folder: data }))
    const script = `
      import { openSync } from 'node:fs'
      const { loadMasterSecret } = await import(process.argv[1])
      for (;;) {
        try { openSync(process.argv[2]) } catch { break }
      }
      loadMasterSecret({ folder: process.argv[2] })`
    const source = import.meta.resolve('../../src/keys/master-secret.ts')
    const limited = ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, '--input-type=module']
    const { stderr } = spawnSync('sh', [...limited, '-e', script, source, data], { encoding: 'utf8' })
    assert.match(stderr, /EMFILE/)
    assert.equal(nameOf(loadMasterSecret({ folder: data })), first)
  })

  it('is nothing shorter than 32 bytes, and nothing that is no base64url', () => {
    for (const text of ['', 'x'.repeat(42), `${'x'.repeat(42)}+`, `${'x'.repeat(43)} ${'x'.repeat(43)}`]) {
      const data = folder()
      writeFileSync(join(data, 'secret'), text)
      assert.throws(
        () => readSecretFile(data),
        /must hold 32 random bytes in base64url: put it back, .* or restore a backup$/,
        text,
      )
    }
    const data = folder()
    mkdirSync(join(data, 'secret'))
    assert.throws(() => loadMasterSecret({ folder: data }), /secret is a folder: move it away$/)
  })

  it('has no place in a folder that is none', () => {
    const data = join(folder(), 'a-file')
    writeFileSync(data, '')
    assert.throws(() => prepareDataFolder(data), /cannot be used .*: choose another one with --data/)
  })
})
