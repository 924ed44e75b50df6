import { accessSync, constants, existsSync, lstatSync, realpathSync, rmdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { fileVariable } from '../config/reading/environment.ts'
import { fileSuffix } from '../config/reading/read-variable.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import { masterSecret, writtenTenantSecret } from '../core/secret.ts'
import { prepareDataFolder } from '../keys/data-folder.ts'
import { readSecretFile } from '../keys/master-secret.ts'
import { writeBackup } from '../storage/backup/backup.ts'
import { restoreBackup } from '../storage/backup/restore.ts'
import { storeFile } from '../storage/database/open-embedded.ts'
import { audited } from './audited.ts'
import { checkTarget, isFolder } from './check-target.ts'
import { configFor } from './config-for.ts'
import { addConfigFlag, addTenantFlag } from './flags.ts'
import { wrongOperand } from './operand-wrong.ts'
import { showingTime } from './show-time.ts'
import { exitOnSignal } from './signals.ts'
import { requireStore, withStore } from './with-store.ts'

interface BackupFlags {
  readonly config?: string
  readonly data?: string
  readonly tenant?: string
  readonly force?: true
}

/** `portcullis backup`: a copy of the embedded store, while servers run on it. */
export function backupCommand(): Command {
  return addBackupFlags(new Command('backup'))
    .description('Copy the embedded store, with its secret, into one file. Servers can keep running.')
    .argument('<file>', 'where to write it')
    .option('--force', 'replace the file if it exists')
    .action(async (name: string, flags: BackupFlags) => {
      const config = loadEmbedded(flags, 'pg_dump')
      const folder = resolve(config.data)
      requireStore(config)
      const file = targetOf(name)
      refuseOwn(name, file, { home: config.tenant?.home ?? folder, config: flags.config })
      const known = knownSecret(config)
      const withSecret = known === undefined
      const secret = known ?? readSecretFile(folder)
      const change = { event: 'admin.backup', action: 'backup', target: file } as const
      exitOnSignal() // so that nothing stays of an unfinished one
      const write = () =>
        writeBackup(storeFile(folder), file, { secret, withSecret, replace: flags.force === true })
      await showingTime('copying and checking the store', () =>
        withStore(flags, (open) => audited(open, change, write)),
      )
      console.log(
        withSecret
          ? `${file} holds the store and the secret that opens it: keep it as safe as the data folder itself`
          : `${file} holds the store. The secret that opens it is not included, since it ${whence(config)}: keep both, in separate places`,
      )
    })
}

/** `portcullis restore`: puts a backup into a data folder. */
export function restoreCommand(): Command {
  return addBackupFlags(new Command('restore'))
    .description('Put a backup of the embedded store into the data folder. No server may be running on it.')
    .argument('<file>', 'a file that portcullis backup wrote')
    .option(
      '--force',
      'replace the store if the data folder has one; the old store is kept beside the new one',
    )
    .action(async (name: string, flags: BackupFlags) => {
      const config = loadEmbedded(flags, 'pg_restore')
      const [file, folder] = [resolve(name), resolve(config.data)]
      checkSource(name, file)
      const configured = knownSecret(config)
      const created = prepareDataFolder(folder)
      const change = { event: 'admin.backup', action: 'restore', target: file } as const
      exitOnSignal() // so that nothing stays of an unfinished one
      const put = (end: () => void) =>
        restoreBackup(file, folder, {
          configured,
          replace: flags.force === true,
          now: new Date(systemClock.now()),
          async record(kept) {
            end()
            // First, since it is done even if it cannot be recorded.
            console.log(`${folder} now holds the store from ${file}`)
            if (kept !== undefined) console.log(`the store that was there before is in ${kept}`)
            await withStore(flags, (open) => audited(open, change, () => Promise.resolve()))
          },
        })
      await showingTime('copying and checking the backup', put).catch((error: unknown) => {
        removeEmpty(folder, created)
        throw error
      })
    })
}

/** Throws OperandWrong for what is no file, or cannot be read; `name` is how the operator wrote it. */
function checkSource(name: string, file: string): void {
  try {
    accessSync(file, constants.R_OK)
  } catch (error) {
    const { message } = error as Error
    throw wrongOperand(
      name,
      existsSync(file) ? `cannot be read (${message}): let this user read it` : 'there is no such file',
    )
  }
  if (isFolder(file)) throw wrongOperand(name, 'is a folder: name the file of a backup')
}

/** Removes a folder, and those around it up to the outermost that was created, as far as they are empty. */
function removeEmpty(folder: string, created: string | undefined): void {
  if (created === undefined) return
  try {
    for (let path = folder; path.length >= created.length; path = dirname(path)) rmdirSync(path)
  } catch {
    // Something is in it.
  }
}

function addBackupFlags(command: Command): Command {
  return addTenantFlag(
    addConfigFlag(command).option(
      '--data <folder>',
      'folder of the store and the secret (default: ./.portcullis)',
    ),
  )
}

/**
 * The secret, if it is not in the folder of the store. A tenant's is derived from that of the installation.
 */
function knownSecret({ secret, tenant }: Config): string | undefined {
  if (tenant === undefined) return secret
  const whole = Buffer.from(secret ?? readSecretFile(tenant.home), 'base64url')
  return writtenTenantSecret(masterSecret(whole), tenant.name)
}

function whence({ tenant }: Config): string {
  return tenant === undefined ? 'is configured' : 'comes from that of the installation'
}

/** Throws if the store is a database, which has its own tools for this. */
function loadEmbedded(
  { config: file = process.env[fileVariable], data, tenant }: BackupFlags,
  tool: string,
): Config {
  const flags = data === undefined ? {} : { data }
  const config = configFor(loadConfig({ file, environment: process.env, flags }), tenant)
  if (config.store.url === undefined) return config
  const message = `the store is a PostgreSQL database: use ${tool}, and keep the secret with what it writes`
  throw wrongOperand('store.url', message)
}

/** The file to write, to which links lead. Throws OperandWrong for what none may take the place of, such as a device. */
function targetOf(name: string): string {
  const path = resolve(name)
  checkTarget(name, path)
  const found = statSync(path, { throwIfNoEntry: false })
  const isNew = found === undefined && lstatSync(path, { throwIfNoEntry: false }) === undefined
  if (isNew) return path
  if (found?.isFile() !== true)
    throw wrongOperand(name, 'is no file, and a backup can only be written to one: name one')
  const file = realpathSync(path)
  checkTarget(name, file)
  return file
}

/**
 * Throws for files that the installation itself, or a tenant of it, uses: overwriting one with a backup would
 * destroy it. `home` is the data folder of the installation, `config` the file that the command is given.
 */
function refuseOwn(
  name: string,
  file: string,
  { home, config }: { readonly home: string; readonly config: string | undefined },
): void {
  const folder = realpathSync(dirname(file))
  const isOwn = isSame(folder, home) || isSame(dirname(folder), join(home, 'tenants'))
  const store = basename(storeFile(folder))
  const needed = [store, `${store}-wal`, `${store}-shm`, 'secret']
  // Where a file system ignores case, as it does on macOS, other spellings name the same file.
  const isStored = isOwn && needed.includes(basename(file).toLowerCase())
  if (isStored || readFiles(config).some((path) => isSame(path, file)))
    throw wrongOperand(name, 'the installation itself uses this file: name another one')
}

/** The files from which a configuration is read, with its secret. */
function readFiles(config = ''): readonly string[] {
  const named = Object.entries(process.env)
    .filter(([variable]) => variable === fileVariable || variable.endsWith(fileSuffix))
    .map(([, file = '']) => file)
  return [config, ...named].filter((file) => existsSync(file)) // variables of others may name what is closed to us
}

/** Whether two paths lead to the same file or folder, whatever their spelling. */
function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }))
  return first !== undefined && first.dev === second?.dev && first.ino === second.ino
}
