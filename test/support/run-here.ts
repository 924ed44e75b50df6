import { Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import type { Command } from 'commander'

/** What a command said, without the last line break, and why it failed, if it did. */
export interface Said {
  readonly out: string
  readonly err: string
  readonly failure: string | undefined
  readonly error: unknown
}

/** Runs a command of the command line in this process, which is much quicker than in another one. */
export async function runHere(test: TestContext, command: Command, args: readonly string[]): Promise<Said> {
  const out: string[] = []
  const err: string[] = []
  const mocks = [
    test.mock.method(console, 'log', (text: string) => void out.push(`${text}\n`)),
    test.mock.method(console, 'error', (text: string) => void err.push(text)),
  ]
  const stdout = Object.getOwnPropertyDescriptor(process, 'stdout') as PropertyDescriptor
  const printed = new Writable({
    write(chunk: Buffer, _encoding, done) {
      out.push(chunk.toString())
      done()
    },
  })
  Object.defineProperty(process, 'stdout', { value: printed, configurable: true })
  let thrown: unknown
  try {
    await command.exitOverride().parseAsync(args, { from: 'user' })
  } catch (error) {
    thrown = error
  } finally {
    Object.defineProperty(process, 'stdout', stdout)
    for (const { mock } of mocks) mock.restore()
  }
  return {
    out: out.join('').replace(/\n$/, ''),
    err: err.join('\n'),
    failure: (thrown as Error | undefined)?.message,
    error: thrown,
  }
}
