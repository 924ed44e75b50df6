import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
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

  it('is a file that is not there, is a folder, or holds something else, of which nothing is shown', async () => {
    const data = folder()
    const [key, none, empty] = ['key.pem', 'none', 'empty.json'].map((name) => join(data, name))
    writeFileSync(key as string, '-----BEGIN PRIVATE KEY-----')
    writeFileSync(empty as string, '{"keys":[]}')
    const verify = (file: string | undefined) => refused('audit', 'verify', data, '--keys', file ?? '')
    assert.equal(await verify(key), `portcullis: --keys: ${key} is not JSON\n`)
    assert.equal(await verify(none), `portcullis: --keys: there is no file ${none}\n`)
    assert.equal(await verify(data), `portcullis: --keys: ${data} is a folder: name a file\n`)
    assert.match(await verify(empty), /^portcullis: --keys: .+ holds no key: pass what portcullis audit keys/)
    assert.equal(
      await refused('check', data),
      `portcullis: the configuration has a problem:\n  ${data}: is a folder: name a file\n`,
    )
    assert.match(await refused('check', '-c', ''), /--config: names no file: give one with -c, or take/)
  })

  it('is a data folder that is a file, or holds no store', async () => {
    const data = folder()
    const file = join(data, 'file')
    writeFileSync(file, '')
    for (const args of [
      ['user', 'list'],
      ['backup', join(data, 'copy')],
    ]) {
      const told = await refused(...args, '--data', file)
      assert.equal(told, `portcullis: --data: ${file} is a file: name a folder\n`)
      assert.match(
        await refused(...args, '--data', data),
        /--data: .+ is not the data folder of an installation/,
      )
    }
  })

  it('is one of two that exclude each other, of which none is followed', async () => {
    const data = folder()
    mkdirSync(join(data, 'audit'))
    const keys = await refused('key', 'rotate', '--identity', '--audit', '--data', data)
    assert.match(keys, /^portcullis: --identity, --audit: are alternatives/)
    assert.match(
      await refused('check', 'a.yaml', '-c', 'b.yaml'),
      /^portcullis: --config: b.yaml and a.yaml are two files/,
    )
  })
})
