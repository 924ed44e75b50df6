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

  it('is told with what is wanted: a number is decimal, within bounds, and there', async () => {
    for (const [command, option, given, wanted] of [
      ['token', '--port <number>', '', '0 to 65535'],
      ['token', '--port <number>', '65536', '0 to 65535'],
      ['token', '--seconds <number>', '1e3', '1 to 86400'],
      ['serve', '--workers <number>', '257', '1 to 256'],
      ['doctor', '--callback-port <number>', '0x50', '0 to 65535'],
    ] as const) {
      const [flag = ''] = option.split(' ')
      assert.equal(
        await refused(command, flag, given),
        `error: option '${option}' argument '${given}' is invalid. give a whole number from ${wanted}\n`,
      )
    }
  })
})
