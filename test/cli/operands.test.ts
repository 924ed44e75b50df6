import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
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

  it('has a folder where a file of the audit should be, of which each command tells', async () => {
    const data = folder()
    const [events, keys] = [join(data, 'events'), join(data, 'keys.json')]
    const file = join(events, 'audit-2026-11-30.00001.jsonl')
    mkdirSync(file, { recursive: true })
    assert.equal((await portcullis(['user', 'invite', 'ada', '--data', data])).code, 0)
    writeFileSync(keys, (await portcullis(['audit', 'keys', '--data', data])).stdout)
    const told = (path: string) =>
      `portcullis: ${path}, of the audit, cannot be read (EISDIR: illegal operation on a directory, read): it is a folder: move it away\n`
    const verify = () => refused('audit', 'verify', events, '--keys', keys)
    assert.equal(await verify(), told(file))
    for (const args of [['export'], ['query'], ['report', '--out', join(data, 'report.html')]])
      assert.equal(await refused('audit', ...args, events, '--data', data), told(file))
    const anchors = join(events, 'anchors.jsonl')
    mkdirSync(anchors)
    assert.equal(await verify(), told(anchors))
  })

  it('has a folder where a file is written or kept, which is named', async () => {
    const data = folder()
    assert.equal((await portcullis(['user', 'invite', 'ada', '--data', data])).code, 0)
    const target = join(data, 'copy')
    mkdirSync(`${target}.unfinished`)
    assert.match(
      await refused('backup', target, '--data', data),
      /^portcullis: .*directory.*copy\.unfinished\n$/,
    )
    const store = join(data, 'portcullis.sqlite')
    rmSync(store)
    mkdirSync(store)
    assert.equal(
      await refused('user', 'list', '--data', data),
      `portcullis: the store ${store} cannot be opened (EISDIR): it is a folder: move it away\n`,
    )
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

  it('is the empty id of a client, which none has: nothing is blocked that way', async () => {
    for (const command of ['show', 'rotate-secret', 'block', 'unblock', 'remove'])
      assert.equal(
        await refused('client', command, '', '--data', folder()),
        'portcullis: id: is empty: portcullis client list shows the clients\n',
      )
  })

  it('is the second value of a flag that takes one, in every command', async () => {
    const data = folder()
    for (const [flag, ...args] of [
      ['--data', 'user', 'list', '--data', data, '--data', join(data, 'other')],
      ['--config', 'serve', '-c', 'a.yaml', '--config', 'b.yaml'],
      ['--upstream', 'run', '--upstream=http://127.0.0.1:9/a', '--upstream=http://127.0.0.1:9/b'],
      ['--outcome', 'audit', 'query', data, '--outcome', 'denied', '--outcome', 'failed'],
      ['--out', 'audit', 'export', data, '--out', join(data, 'a'), '--out', join(data, 'b')],
      ['--seconds', 'token', '--seconds', '5', '--seconds', '6', '--data', data],
      ['--name', 'client', 'add', '--name', 'a', '--name', 'b', '--data', data],
      ['--token', 'doctor', 'http://127.0.0.1:9/mcp', '--token', 'a', '--token', 'b'],
    ] as const)
      assert.equal(await refused(...args), `portcullis: ${flag}: is given more than once: give it once\n`)
    assert.deepEqual(readdirSync(data), [])
    const switched = await refused('user', 'list', '--json', '--json', '--data', data)
    assert.match(switched, /^portcullis: --data: .* is not the data folder/, 'a switch may be given twice')
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
