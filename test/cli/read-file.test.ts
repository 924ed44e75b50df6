import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { readJsonFile } from '../../src/cli/read-file.ts'

it('a file that an editor on Windows has written is read as any other', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'portcullis-read-')), 'claims.json')
  writeFileSync(file, '\uFEFF{\r\n"sub": "ada" }\r\n')
  assert.deepEqual(readJsonFile(file), { content: { sub: 'ada' } })
})
