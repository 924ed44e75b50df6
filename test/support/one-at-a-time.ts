import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Not the folder of this test file: see temporary-folder.ts. */
const shared = process.env['SHARED_TMPDIR'] ?? tmpdir()

/**
 * Does `work` while no other process of this user does work with that name: test files run concurrently, and
 * several install the same things. The work of a process that has ended delays nobody.
 */
export async function oneAtATime<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const lock = join(shared, `portcullis-test-${process.getuid?.() ?? 'user'}-${name}.lock`)
  while (!take(lock)) await sleep(100)
  try {
    return await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (isAbandoned(lock)) rmSync(lock, { force: true })
    return false
  }
}

function isAbandoned(lock: string): boolean {
  try {
    const holder = Number(readFileSync(lock, 'utf8'))
    if (holder > 0) process.kill(holder, 0) // throws if there is no such process
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
