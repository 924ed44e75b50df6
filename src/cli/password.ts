import { text } from 'node:stream/consumers'
import { PersonRefused } from '../identity/people.ts'
import { wrongOperand } from './operand-wrong.ts'

const control = { enter: ['\r', '\n'], backspace: ['\u007f', '\b'], interrupt: '\u0003', end: '\u0004' }
const interrupted = 130

/**
 * Reads a new password: one line from standard input, or from the user at the terminal, twice and without
 * echo. It is never an argument, since all users of a machine can read those. Throws OperandWrong
 * and PersonRefused.
 */
export async function readPassword({ fromStdin }: { readonly fromStdin: boolean }): Promise<string> {
  if (fromStdin) return (await text(process.stdin)).replace(/\r?\n$/, '')
  if (!process.stdin.isTTY) {
    const message = 'there is no terminal to ask on: pass the password on standard input, with this flag'
    throw wrongOperand('--password-stdin', message)
  }
  const first = await ask('Password: ')
  const second = await ask('Repeat the password: ', first.ahead)
  if (second.typed !== first.typed) throw new PersonRefused('The two passwords are not the same.')
  return first.typed
}

interface Answer {
  readonly typed: string
  /** What had been typed after it already. */
  readonly ahead: string
}

/** Asks at the terminal. The input is not shown. It begins with what was typed before the question. */
async function ask(question: string, before = ''): Promise<Answer> {
  const { stdin, stderr } = process
  stdin.setRawMode(true).setEncoding('utf8').resume()
  stderr.write(question)
  try {
    return await new Promise((resolve) => {
      let typed = ''
      const read = (chunk: string): void => {
        const keys = Array.from(chunk)
        for (const [index, key] of keys.entries()) {
          if (key === control.interrupt) {
            stdin.setRawMode(false)
            stderr.write('\n')
            process.exit(interrupted)
          }
          if (control.enter.includes(key) || key === control.end) {
            stdin.off('data', read)
            const ahead = keys.slice(index + 1).join('')
            return resolve({ typed, ahead: key === '\r' ? ahead.replace(/^\n/, '') : ahead })
          }
          typed = control.backspace.includes(key) ? Array.from(typed).slice(0, -1).join('') : typed + key
        }
      }
      stdin.on('data', read)
      read(before)
    })
  } finally {
    stdin.setRawMode(false).pause()
    stderr.write('\n')
  }
}
