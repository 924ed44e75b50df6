import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { userCommand } from '../../src/cli/user.ts'
import { withStore } from '../../src/cli/with-store.ts'
import { goodPassword } from '../support/people.ts'
import { runHere, type Said } from '../support/run-here.ts'

/** The users of an installation that nobody has started. Whoever is asked for a password types a good one. */
async function open(test: TestContext): Promise<(...args: string[]) => Promise<Said>> {
  const data = mkdtempSync(join(tmpdir(), 'users-'))
  await withStore({ data }, async () => undefined, { beforeMaking: async () => undefined })
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin') as PropertyDescriptor
  test.after(() => Object.defineProperty(process, 'stdin', stdin))
  return (...args) => {
    Object.defineProperty(process, 'stdin', { value: Readable.from([goodPassword]), configurable: true })
    return runHere(test, userCommand(), [...args, '--data', data])
  }
}

describe('portcullis user, on the store alone', { timeout: 60_000 }, () => {
  it('shows users by the names that they were given for pages, which do not steer the terminal', async (test) => {
    const run = await open(test)
    assert.match((await run('invite', 'ada', '--display-name', 'Ada \u001b[31mLovelace')).out, /\/setup\//)
    const added = await run('add', 'grace', '--password-stdin', '--display-name', 'Grace Hopper')
    assert.match(added.out, /^grace was added: usr_/)
    const { out } = await run('list')
    assert.match(out, /^ada +usr_\S+ +invited +Ada \[31mLovelace +here$/m)
    assert.match(out, /^grace +usr_\S+ +active +Grace Hopper +here$/m)
    const users = JSON.parse((await run('list', '--json')).out) as Record<string, string>[]
    assert.deepEqual(
      users.map(({ name, displayName }) => [name, displayName]),
      [
        ['ada', 'Ada [31mLovelace'],
        ['grace', 'Grace Hopper'],
      ],
    )
  })

  it('asks for a name, and not for an id, where the user is a new one', () => {
    const helpOf = (name: string): string =>
      userCommand()
        .commands.find((command) => command.name() === name)
        ?.helpInformation() ?? ''
    for (const name of ['add', 'invite']) assert.match(helpOf(name), /name to sign in with: letters/)
    for (const name of ['set-password', 'disable', 'enable', 'remove'])
      assert.match(helpOf(name), /or the id that "user list"/)
  })

  it('gives a new password to a user who is there, and says so', async (test) => {
    const run = await open(test)
    await run('invite', 'ada')
    assert.equal(
      (await run('set-password', 'ada', '--password-stdin')).out,
      'ada has a new password; all logins and passkeys have ended',
    )
    assert.match((await run('list')).out, /^ada +usr_\S+ +active /m)
    assert.equal((await run('set-password', 'bob')).failure, 'there is no user bob')
  })
})
