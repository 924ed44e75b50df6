import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Command } from 'commander'
import { auditQueryCommand } from '../../src/cli/audit/audit-query.ts'
import { auditVerifyCommand } from '../../src/cli/audit/audit-verify.ts'
import { backupCommand } from '../../src/cli/backup.ts'
import { checkCommand } from '../../src/cli/check.ts'
import { isFixable } from '../../src/cli/fixable.ts'
import { userCommand } from '../../src/cli/user.ts'
import { withStore } from '../../src/cli/with-store.ts'
import { replaceFs } from '../support/replace-fs.ts'
import { runHere } from '../support/run-here.ts'

/** What an operator is told in one line, without a stack. */
async function told(test: TestContext, command: Command, ...args: string[]): Promise<string> {
  const { error } = await runHere(test, command, args)
  assert.ok(isFixable(error), String(error))
  return (error as Error).message
}

describe('a path that cannot be used is named with the reason', () => {
  it('where it is longer than the system takes', async (test) => {
    const data = mkdtempSync(join(tmpdir(), 'paths-'))
    await withStore({ data }, async () => undefined, { beforeMaking: async () => undefined })
    const long = join(data, 'x'.repeat(255))
    assert.match(await told(test, backupCommand(), long, '--data', data), /^ENAMETOOLONG: .+x\.unfinished/)
    assert.match(
      await told(test, auditQueryCommand(), `${long}x`),
      /^\/.+x, of the audit, cannot be read \(ENAMETOOLONG/,
    )
    for (const args of [['list'], ['invite', 'ada']])
      assert.match(
        await told(test, userCommand(), ...args, '--data', `${long}x`),
        /^--data: .+x cannot be read \(ENAMETOOLONG.+\): let this user read it, or name another$/,
      )
  })

  it('where it is a mount of its own, as of a container, which nothing can replace', async (test) => {
    const data = mkdtempSync(join(tmpdir(), 'paths-'))
    await withStore({ data }, async () => undefined, { beforeMaking: async () => undefined })
    replaceFs(test, 'renameSync', (from, to) => {
      const message = `EBUSY: resource busy or locked, rename '${String(from)}' -> '${String(to)}'`
      throw Object.assign(new Error(message), { code: 'EBUSY' })
    })
    const file = join(data, 'mounted')
    const args = [file, '--force', '--data', data]
    assert.match(await told(test, backupCommand(), ...args), /^EBUSY: .+ -> '\/.+\/mounted'$/)
  })

  it('where it cannot be read', async (test) => {
    const file = '/proc/self/mem'
    assert.equal(
      await told(test, auditVerifyCommand(), '--keys', file),
      `--keys: ${file} cannot be read (EIO): let this user read it, or name another`,
    )
    assert.match(
      await told(test, checkCommand(), file),
      /\/mem: cannot be read \(EIO\): let the user that Portcullis runs as read it$/,
    )
  })
})
