import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { checkTarget } from '../../src/cli/check-target.ts'
import { OperandWrong } from '../../src/cli/operand-wrong.ts'
import { writeTarget } from '../../src/cli/write-output.ts'
import { startBrokenServer } from '../fixtures/broken-server.ts'
import { portcullis } from '../support/command.ts'
import { replaceFs } from '../support/replace-fs.ts'

const program = join(import.meta.dirname, '../../bin/portcullis.js')
const folder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-output-'))

/** As a command with `--out` does it. */
async function write(file: string): Promise<void> {
  checkTarget('--out', file)
  await writeTarget('--out', file, ['one\n', 'two\n'])
}

describe('a file that a command writes', () => {
  it('is whole, for its owner alone, and takes the place of what a killed run left', async () => {
    const target = folder()
    const out = join(target, 'out')
    writeFileSync(out, 'of yesterday', { mode: 0o644 })
    writeFileSync(`${out}.unfinished`, 'of a run that was killed', { mode: 0o644 })
    await write(out)
    assert.equal(readFileSync(out, 'utf8'), 'one\ntwo\n')
    assert.equal(statSync(out).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(target), ['out'])
  })

  it('is written by one command at a time: another one is told so, and spoils nothing', async () => {
    const target = folder()
    const out = join(target, 'out')
    const begun = Promise.withResolvers<undefined>()
    const goOn = Promise.withResolvers<undefined>()
    async function* slowly(): AsyncGenerator<string> {
      yield 'one\n'
      begun.resolve(undefined)
      await goOn.promise
      yield 'two\n'
    }
    const writing = writeTarget('--out', out, slowly())
    await begun.promise
    await assert.rejects(write(out), {
      name: 'OperandWrong',
      message: '--out: another command is writing this file: wait until it is done',
    })
    goOn.resolve(undefined)
    await writing
    assert.equal(readFileSync(out, 'utf8'), 'one\ntwo\n')
    assert.deepEqual(readdirSync(target), ['out'])
  })

  it('is for its owner alone also where a link leads to a file that is not there yet', async () => {
    const target = folder()
    symlinkSync('elsewhere', join(target, 'out'))
    await write(join(target, 'out'))
    assert.equal(readFileSync(join(target, 'elsewhere'), 'utf8'), 'one\ntwo\n')
    assert.equal(statSync(join(target, 'elsewhere')).mode & 0o777, 0o600)
  })

  it('may be a device or a pipe in a folder that this user cannot write to, such as /dev/stdout', async (test) => {
    const target = folder()
    writeFileSync(join(target, 'out'), 'of yesterday')
    const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
    replaceFs(test, 'accessSync', () => {
      throw denied
    })
    await write('/dev/null')
    await assert.rejects(write(join(target, 'out')), {
      name: 'OperandWrong',
      message: `--out: ${target} is not writable: name another folder`,
    })
  })

  it('is refused with the reason, in one line, if the system does not take its name', async () => {
    const target = folder()
    const refused = async (name: string, reason: RegExp): Promise<void> => {
      await assert.rejects(write(join(target, name)), (error) => {
        assert.ok(error instanceof OperandWrong, String(error))
        assert.match(error.message, reason)
        return true
      })
    }
    await refused('a'.repeat(300), /^--out: cannot be written \(ENAMETOOLONG: .+\)$/)
    await refused('a'.repeat(250), /^--out: cannot be written \(ENAMETOOLONG: .+\)$/)
    mkdirSync(join(target, 'out.unfinished'))
    await refused('out', /^--out: cannot be written \(.+out\.unfinished\)$/)
    symlinkSync('loop', join(target, 'loop'))
    await refused('loop/out', /^--out: cannot be written \(ELOOP: .+\)$/)
  })
})

describe('what a command prints', () => {
  it('is not blamed for what cannot be read', async () => {
    const events = folder()
    mkdirSync(join(events, 'audit-2026-11-27.00001.jsonl'))
    const { code, stderr } = await portcullis(['audit', 'export', events])
    assert.notEqual(code, 0)
    assert.match(stderr, /EISDIR/)
    assert.ok(!stderr.includes('standard output'), stderr)
  })

  it('may end before it is all read, as with head: that is no fault, and the command does its work', async (test) => {
    const server = await startBrokenServer()
    test.after(() => server.close())
    const endless = `
      import { print } from ${JSON.stringify(import.meta.resolve('../../src/cli/write-output.ts'))}
      await print((function* () { for (;;) yield 'a line\\n' })())`
    for (const args of [
      [program, 'doctor', server.mcpUrl],
      ['--input-type=module', '-e', endless],
    ]) {
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      child.stdout.destroy()
      const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
      assert.deepEqual([stderr, code], ['', 0], args.join(' '))
    }
  })
})
