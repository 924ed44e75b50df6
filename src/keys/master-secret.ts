import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MasterSecret, masterSecret } from '../core/secret.ts'

const secretBytes = 32

/**
 * The master secret: the configured one, or the one in the file `secret` of the data folder, which is made on first
 * start and can be read by its owner alone. Throws when the file cannot be read or holds something else.
 */
export function loadMasterSecret(configured: string | undefined, folder: string): MasterSecret {
  return masterSecret(Buffer.from(configured ?? readOrCreate(folder), 'base64url'))
}

function readOrCreate(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'secret')
  try {
    // 'wx' fails when another process was first; then its secret is read.
    writeFileSync(file, `${randomBytes(secretBytes).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const text = readFileSync(file, 'utf8').trim()
  if (!/^[\w-]{43,}$/.test(text)) throw new Error(`${file} must hold 32 random bytes in base64url`)
  return text
}
