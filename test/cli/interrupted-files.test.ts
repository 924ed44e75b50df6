import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { systemClock as clock } from '../../src/core/clock.ts'
import { masterSecret } from '../../src/core/secret.ts'
import { writeBackup } from '../../src/storage/backup/backup.ts'
import { storeFile } from '../../src/storage/database/open-embedded.ts'
import { openStore } from '../../src/storage/open.ts'
import { until } from '../support/until.ts'

const program = join(import.meta.dirname, '../../bin/portcullis.js')
const secret = 's'.repeat(43)
const folder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-interrupted-'))

async function makeStore(): Promise<string> {
  const data = folder()
  const store = await openStore({
    folder: data,
    secret: masterSecret(Buffer.from(secret, 'base64url')),
    clock,
  })
  await store.close()
  return data
}

function start(test: TestContext, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, PORTCULLIS_SECRET: secret },
    stdio: 'ignore',
  })
  test.after(() => child.kill('SIGKILL'))
  return child
}

/** Locks a database as soon as it is there, so that whoever writes it waits, for as long as this test has it. */
async function lock(test: TestContext, file: string): Promise<void> {
  await until(() => {
    if (!existsSync(file)) return false
    const database = new DatabaseSync(file)
    try {
      database.exec('begin exclusive')
    } catch {
      database.close()
      return false // it is not whole yet
    }
    test.after(() => database.close())
    return true
  })
}

async function interrupt(child: ChildProcess): Promise<unknown> {
  child.kill('SIGINT')
  const [, signal] = await once(child, 'exit')
  return signal
}

describe('a command that Ctrl-C ends', () => {
  it('leaves nothing of an unfinished backup', async (test) => {
    const [data, target] = [await makeStore(), folder()]
    const backup = start(test, [program, 'backup', join(target, 'backup'), '--data', data])
    await lock(test, join(target, 'backup.unfinished'))
    assert.equal(await interrupt(backup), 'SIGINT')
    assert.deepEqual(readdirSync(target), [])
  })

  it('leaves nothing of an unfinished restore, so that it can be repeated', async (test) => {
    const [data, target] = [await makeStore(), folder()]
    const file = join(data, 'backup')
    await writeBackup(storeFile(data), file, { secret, withSecret: true, replace: false })
    const restore = start(test, [program, 'restore', file, '--data', target])
    await lock(test, join(target, 'portcullis.sqlite.restoring'))
    assert.equal(await interrupt(restore), 'SIGINT')
    assert.deepEqual(readdirSync(target), [])
  })

  it('leaves nothing of any other unfinished file', async (test) => {
    const target = folder()
    const writing = `
      const { writeTarget } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/cli/write-output.ts'))})
      await writeTarget('--out', ${JSON.stringify(join(target, 'out'))}, (async function* () {
        yield 'one'
        setInterval(() => undefined, 1000)
        process.kill(process.pid, 'SIGINT')
        await new Promise(() => undefined)
      })())`
    const child = start(test, ['--input-type=module', '-e', writing])
    const [, signal] = await once(child, 'exit')
    assert.equal(signal, 'SIGINT')
    assert.deepEqual(readdirSync(target), [])
  })
})
