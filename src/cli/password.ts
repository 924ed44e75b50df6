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
  const password = await ask('Password: ')
  if ((await ask('Repeat the password: ')) !== password) {
    throw new PersonRefused('The two passwords are not the same.')
  }
  return password
}

/** Asks at the terminal. The input is not shown. */
async function ask(question: string): Promise<string> {
  const { stdin, stderr } = process
  stdin.setRawMode(true).setEncoding('utf8').resume()
  stderr.write(question)
  try {
    return await new Promise((resolve) => {
      let typed = ''
      const read = (chunk: string): void => {
        for (const key of chunk) {
          if (key === control.interrupt) {
            stdin.setRawMode(false)
            stderr.write('\n')
            process.exit(interrupted)
          }
          if (control.enter.includes(key) || key === control.end) {
            stdin.off('data', read)
            return resolve(typed)
          }
          typed = control.backspace.includes(key) ? Array.from(typed).slice(0, -1).join('') : typed + key
        }
      }
      stdin.on('data', read)
    })
  } finally {
    stdin.setRawMode(false).pause()
    stderr.write('\n')
  }
}
