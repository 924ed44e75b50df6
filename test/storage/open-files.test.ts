import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { promisify } from 'node:util'

const source = join(import.meta.dirname, '../../src/storage/database/open-embedded.ts')

for (const free of [0, 1])
  it(`a store says that its process has too many files open, with room for ${free} more`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-files-'))
    const opening = `
      const { openEmbedded } = await import(${JSON.stringify(source)})
      const { closeSync, openSync } = await import('node:fs')
      const opened = []
      try { for (;;) opened.push(openSync('/dev/null')) } catch {}
      for (let left = 0; left < ${free}; left++) closeSync(opened.pop())
      const message = await openEmbedded(${JSON.stringify(folder)}, undefined).catch(String)
      while (opened.length > 0) closeSync(opened.pop())
      console.log(message)`
    const limited = `ulimit -n 200; exec "$0" --input-type=module -e "$1"`
    const { stdout } = await promisify(execFile)('sh', ['-c', limited, process.execPath, opening])
    assert.match(
      stdout,
      /StoreUnusable: the store .* cannot be opened .*more files open \(ulimit -n, LimitNOFILE\)/,
    )
  })
