import type { TestContext } from 'node:test'
import type { Command } from 'commander'

/** What a command said, and why it failed, if it did. */
export interface Said {
  readonly out: string
  readonly err: string
  readonly failure: string | undefined
}

/** Runs a command of the command line in this process, which is much quicker than in another one. */
export async function runHere(test: TestContext, command: Command, args: readonly string[]): Promise<Said> {
  const out: string[] = []
  const err: string[] = []
  const mocks = [
    test.mock.method(console, 'log', (text: string) => void out.push(text)),
    test.mock.method(console, 'error', (text: string) => void err.push(text)),
  ]
  let failure: string | undefined
  try {
    await command.exitOverride().parseAsync(args, { from: 'user' })
  } catch (error) {
    failure = (error as Error).message
  } finally {
    for (const { mock } of mocks) mock.restore()
  }
  return { out: out.join('\n'), err: err.join('\n'), failure }
}
