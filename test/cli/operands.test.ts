import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { portcullis } from '../support/command.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-operands-'))

async function refused(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await portcullis(args)
  assert.deepEqual([code, stdout], [2, ''], stderr)
  return stderr
}

describe('an operand that cannot be used', () => {
  it('is told before the work: a report goes into a folder that is there, as a file', async () => {
    const data = folder()
    const report = (out: string) => refused('audit', 'report', '--data', data, '--out', out)
    assert.equal(await report(join(data, 'none', 'r.html')), 'portcullis: --out: its folder does not exist\n')
    assert.equal(await report(data), 'portcullis: --out: is a folder: name a file\n')
  })
})
