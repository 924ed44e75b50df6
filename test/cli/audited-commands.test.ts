import assert from 'node:assert/strict'
import fs, { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Command } from 'commander'
import type { RecordedEvent } from '../../src/audit/event.ts'
import { filePaths } from '../../src/audit/files.ts'
import { backupCommand, restoreCommand } from '../../src/cli/backup.ts'
import { clientCommand } from '../../src/cli/client.ts'
import { tokenCommand } from '../../src/cli/token.ts'
import { userCommand } from '../../src/cli/user.ts'
import { withStore } from '../../src/cli/with-store.ts'
import { replaceFs } from '../support/replace-fs.ts'
import { runHere } from '../support/run-here.ts'
import { setVariable } from '../support/set-variable.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'audited-'))

/** An installation that nobody has started, with a way to run commands on it. */
async function open(test: TestContext) {
  const data = folder()
  await withStore({ data }, async () => undefined, { beforeMaking: async () => undefined })
  const run = async (command: Command, ...args: string[]): Promise<string> =>
    (await runHere(test, command, [...args, '--data', data])).out
  return { data, run }
}

/** What was done by whom, according to the audit in a data folder. */
const eventsIn = (data: string): string[] =>
  filePaths(join(data, 'audit'))
    .flatMap((path) => readFileSync(path, 'utf8').split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as RecordedEvent)
    .filter(({ operator }) => operator !== undefined)
    .map(({ event, action, target, outcome }) => `${event}: ${action} ${target} ${outcome}`)

describe('what an operator does on this machine is in the audit, also where it failed', () => {
  it('with clients', async (test) => {
    const { data, run } = await open(test)
    const client = (...args: string[]): Promise<string> => run(clientCommand(), ...args)
    const added = await client('add', '--name', 'Editor', '--redirect-uri', 'https://app.example/', '--json')
    const { client_id: id } = JSON.parse(added) as { client_id: string }
    for (const action of ['rotate-secret', 'block', 'block', 'unblock', 'unblock', 'remove'])
      await client(action, id)
    await client('block', 'a-secret-that-was-pasted-in-place-of-an-id')
    assert.deepEqual(eventsIn(data), [
      `admin.client: client add ${id} allowed`,
      `admin.client: client rotate-secret ${id} failed`,
      `admin.client: client block ${id} allowed`,
      `admin.client: client block ${id} failed`,
      `admin.client: client unblock ${id} allowed`,
      `admin.client: client unblock ${id} failed`,
      `admin.client: client remove ${id} allowed`,
      'admin.client: client block [redacted] allowed',
    ])
  })

  it('once, also where the disk was full for a moment and nothing may happen without its event', async (test) => {
    const { data, run } = await open(test)
    setVariable(test, 'PORTCULLIS_AUDIT_WHEN_UNWRITABLE', 'refuse')
    const { writeSync } = fs
    let isFull = true
    replaceFs(test, 'writeSync', (...write) => {
      if (!isFull || !write[1].includes('user invite')) return writeSync(...write)
      isFull = false
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    })
    await run(userCommand(), 'invite', 'ada')
    assert.equal(isFull, false)
    assert.deepEqual(eventsIn(data), ['admin.user: user invite ada allowed'])
  })

  for (const whenUnwritable of ['continue', 'refuse'])
    it(`or it is told that it is not, in lines, beside what was asked for: ${whenUnwritable}`, async (test) => {
      const { data } = await open(test)
      setVariable(test, 'PORTCULLIS_AUDIT_WHEN_UNWRITABLE', whenUnwritable)
      const { writeSync } = fs
      replaceFs(test, 'writeSync', (...write) => {
        if (!write[1].includes('"seq":1')) return writeSync(...write)
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      })
      const { exitCode } = process
      test.after(() => {
        process.exitCode = exitCode
      })
      const { out, err, failure } = await runHere(test, userCommand(), ['invite', 'ada', '--data', data])
      assert.equal(failure, undefined)
      assert.match(out, /\/setup\//)
      assert.deepEqual(err.split('\n'), [
        'portcullis: events of the audit cannot be written (no space left on device)',
        'portcullis: the last events of the audit could not be written',
      ])
      assert.equal(process.exitCode, 2)
      assert.deepEqual(eventsIn(data), [])
    })

  it('with users and tokens', async (test) => {
    const { data, run } = await open(test)
    for (const action of ['invite', 'enable', 'remove', 'remove']) await run(userCommand(), action, 'ada')
    await run(tokenCommand(), '--user', 'ada')
    assert.deepEqual(eventsIn(data), [
      'admin.user: user invite ada allowed',
      'admin.user: user enable ada failed',
      'admin.user: user remove ada allowed',
      'admin.user: user remove ada failed',
      'admin.token: token ada allowed',
    ])
  })

  it('with backups, which are recorded where they were made and where they were restored', async (test) => {
    const { data, run } = await open(test)
    const file = join(folder(), 'backup')
    for (const _ of ['made', 'refused']) await run(backupCommand(), file)
    const restored = folder()
    await runHere(test, restoreCommand(), [file, '--data', restored])
    assert.deepEqual(
      [eventsIn(data), eventsIn(restored)],
      [
        [`admin.backup: backup ${file} allowed`, `admin.backup: backup ${file} failed`],
        [`admin.backup: restore ${file} allowed`],
      ],
    )
  })

  it('or, of a restore, it is told that it was done all the same, and where the old store is', async (test) => {
    const { data, run } = await open(test)
    const file = join(folder(), 'backup')
    await run(backupCommand(), file)
    setVariable(test, 'PORTCULLIS_AUDIT_FOLDER', join(file, 'audit'))
    const { out, failure } = await runHere(test, restoreCommand(), [file, '--force', '--data', data])
    assert.match(failure ?? '', /^the folder of the audit, .* cannot be written/)
    const kept = fs.readdirSync(data).find((name) => name.startsWith('before-restore-')) ?? ''
    assert.deepEqual(out.split('\n'), [
      `${data} now holds the store from ${file}`,
      `the store that was there before is in ${join(data, kept)}`,
    ])
  })
})
