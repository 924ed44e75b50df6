import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { readPassword } from '../../src/cli/password.ts'

const control = { backspace: '\u007f', otherBackspace: '\b', interrupt: '\u0003', end: '\u0004' }

function setStdin(test: TestContext, stdin: object): void {
  const before = Object.getOwnPropertyDescriptor(process, 'stdin') as PropertyDescriptor
  Object.defineProperty(process, 'stdin', { value: stdin, configurable: true })
  test.after(() => Object.defineProperty(process, 'stdin', before))
}

interface Terminal {
  /** What has been done to it, in order. */
  readonly did: string[]
  /** Types a text, in chunks. */
  type(...chunks: readonly string[]): Promise<void>
  /** How many hear what is typed. */
  readonly listeners: () => number
}

/** A terminal in place of standard input and standard error. */
function openTerminal(test: TestContext): Terminal {
  const did: string[] = []
  const stdin = Object.assign(new EventEmitter(), {
    isTTY: true,
    setRawMode: (raw: boolean) => (did.push(raw ? 'raw' : 'cooked'), stdin),
    setEncoding: () => stdin,
    resume: () => (did.push('resume'), stdin),
    pause: () => (did.push('pause'), stdin),
  })
  setStdin(test, stdin)
  test.mock.method(process.stderr, 'write', (text: string) => did.push(text))
  return {
    did,
    async type(...chunks) {
      for (const chunk of chunks) {
        stdin.emit('data', chunk)
        await setImmediate()
      }
    },
    listeners: () => stdin.listenerCount('data'),
  }
}

describe('a new password', () => {
  it('is one line of standard input, without its end', async (test) => {
    for (const [text, password] of [
      ['secret words', 'secret words'],
      ['secret words\n', 'secret words'],
      ['secret words\r\n', 'secret words'],
      [' secret \n', ' secret '],
    ] as const) {
      setStdin(test, Readable.from([text]))
      assert.equal(await readPassword({ fromStdin: true }), password)
    }
  })

  it('is asked for twice, without being shown, and the terminal is as it was afterwards', async (test) => {
    const terminal = openTerminal(test)
    const first = readPassword({ fromStdin: false })
    await terminal.type('sec')
    assert.deepEqual(terminal.did, ['raw', 'resume', 'Password: '], 'not shown while it is typed')
    await terminal.type(`rex${control.backspace}\u{1f511}${control.otherBackspace}`, `t${control.end}`)
    await terminal.type('secret\n')
    assert.equal(await first, 'secret')
    const message = 'The two passwords are not the same.'
    const refused = assert.rejects(readPassword({ fromStdin: false }), { name: 'PersonRefused', message })
    await terminal.type('secret\r')
    await terminal.type('Secret\r')
    await refused
    const asked = ['raw', 'resume', 'Password: ', 'cooked', 'pause', '\n']
    const repeated = ['raw', 'resume', 'Repeat the password: ', 'cooked', 'pause', '\n']
    assert.deepEqual(terminal.did, [...asked, ...repeated, ...asked, ...repeated])
    assert.equal(terminal.listeners(), 0)
  })

  it('may be typed both times before it is asked for, as a script does', async (test) => {
    for (const [all, expected] of [
      ['secret\nsecret\n', 'secret'],
      ['secret\r\nsecret\r\n', 'secret'],
      [`sec\u{1f511}\rsec\u{1f511}${control.end}`, 'sec\u{1f511}'],
    ] as const) {
      const terminal = openTerminal(test)
      const password = readPassword({ fromStdin: false })
      await terminal.type(all)
      assert.equal(await password, expected)
      assert.equal(terminal.listeners(), 0)
    }
  })

  it('is none after an interruption, which leaves the terminal as it was', async (test) => {
    const terminal = openTerminal(test)
    const codes: unknown[] = []
    test.mock.method(process, 'exit', (code: number) => codes.push(code))
    void readPassword({ fromStdin: false })
    await terminal.type('secret', control.interrupt)
    assert.deepEqual(codes, [130])
    assert.deepEqual(terminal.did.slice(-2), ['cooked', '\n'])
  })

  it('is not asked for where there is no terminal', async (test) => {
    setStdin(test, Readable.from([]))
    await assert.rejects(readPassword({ fromStdin: false }), /--password-stdin/)
  })
})
