import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { OptionsWrong, readFlags, readNumber, readWhole } from '../support/command-line.ts'

describe('the command lines of benchmarks and of the fuzzer', () => {
  it('take what they know alone', () => {
    const flags = { inputs: { type: 'string', default: '5' } } as const
    assert.equal(readFlags(flags, []).inputs, '5')
    assert.equal(readFlags(flags, ['--inputs', '7']).inputs, '7')
    assert.throws(() => readFlags(flags, ['--input', '7']), OptionsWrong)
  })

  it('take numbers for numbers, within their bounds', () => {
    assert.equal(readWhole('inputs', '10'), 10)
    assert.equal(readNumber('seconds', '0.5', 0.1, 60), 0.5)
    for (const text of ['', ' ', 'many', '0', '1.5', '-1', '1e30'])
      assert.throws(() => readWhole('inputs', text), /--inputs must be a whole number of at least 1/)
    for (const text of [undefined, '', ' ', 'NaN', '0', '61', 'Infinity'])
      assert.throws(() => readNumber('seconds', text, 0.1, 60), /--seconds must be a number from 0.1 to 60/)
  })

  it('end a program that cannot be run with one sentence, and with 2', () => {
    for (const [program, flag, sentence] of [
      ['test/fuzz/run.ts', '--inputs=none', /^--inputs must be a whole number of at least 1\n$/],
      ['test/fuzz/run.ts', '--bogus', /^Unknown option '--bogus'\n$/],
      [
        'bench/authorization-server.ts',
        '--only=SQLite,nonsense',
        /^--only: nonsense is in none of the names .+\n$/,
      ],
    ] as const) {
      const path = join(import.meta.dirname, '../..', program)
      const { status, stdout, stderr } = spawnSync(process.execPath, [path, flag], { encoding: 'utf8' })
      assert.deepEqual({ status, stdout }, { status: 2, stdout: '' })
      assert.match(stderr, sentence)
    }
  })
})
