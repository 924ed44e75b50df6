import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MasterSecret, masterSecret } from '../core/secret.ts'
import { DataFolderUnusable } from './data-folder.ts'

const secretBytes = 32
/** What an operator can do about a file that does not have the secret of the store beside it. */
const ways = 'put it back, give its content as PORTCULLIS_SECRET, or restore a backup'

interface SecretPlace {
  /** The configured secret, in base64url. */
  readonly configured?: string | undefined
  /** The data folder. */
  readonly folder: string
  /** Whether there is a store already. A new secret could not open it. */
  readonly hasStore?: boolean
}

/**
 * The master secret: the configured one, or else that of the file `secret` in the data folder, which only its
 * owner can read. The first start creates that file, but never beside a store. Throws DataFolderUnusable if it
 * is missing then, cannot be read, or contains something else, and the system's error if it cannot be created.
 */
export function loadMasterSecret({ configured, folder, hasStore = false }: SecretPlace): MasterSecret {
  const written = configured ?? (hasStore ? readSecretFile(folder) : readOrCreate(folder))
  return masterSecret(Buffer.from(written, 'base64url'))
}

function readOrCreate(folder: string): string {
  const file = join(folder, 'secret')
  let created: number | undefined
  try {
    // 'wx' fails if another process was first; then its secret is read.
    created = openSync(file, 'wx', 0o600)
    writeFileSync(created, `${randomBytes(secretBytes).toString('base64url')}\n`, { flush: true })
  } catch (error) {
    // What a full disk leaves of a new one would be taken for a damaged secret at the next start. One that was
    // there before stays, whatever prevents opening it.
    if (created !== undefined) rmSync(file, { force: true })
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    if (created !== undefined) closeSync(created)
  }
  return readSecretFile(folder)
}

/**
 * The content of the file `secret` in a data folder, in base64url. Throws DataFolderUnusable if there is none
 * or it contains something else.
 */
export function readSecretFile(folder: string): string {
  const file = join(folder, 'secret')
  const text = readText(file).trim()
  if (!/^[\w-]{43,}$/.test(text))
    throw new DataFolderUnusable(`${file} must hold 32 random bytes in base64url: ${ways}`)
  return text
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EISDIR') throw new DataFolderUnusable(`${file} is a folder: move it away`)
    throw new DataFolderUnusable(
      code === 'ENOENT'
        ? `${file} is missing, without which the store beside it cannot be read: ${ways}`
        : `${file} cannot be read (${message}): let the user that Portcullis runs as read it`,
    )
  }
}
