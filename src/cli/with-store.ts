import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type ConfiguredStore, openConfiguredStore } from '../compose/store.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigurationInvalid } from '../config/problems.ts'
import { fileVariable } from '../config/reading/environment.ts'
import { fileSuffix } from '../config/reading/read-variable.ts'
import type { Config, ConfigInput } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import type { KeyPurpose, SigningAlgorithm } from '../keys/key-states.ts'
import { storeFile } from '../storage/database/open-embedded.ts'
import { configFor } from './config-for.ts'
import { addConfigFlag, addPlaceFlags, addTenantFlag, type PlaceFlags, placeSettings } from './flags.ts'
import { wrongOperand } from './operand-wrong.ts'
import { tellUpgrade } from './tell-upgrade.ts'

/** The flags of a command that manages what is in the store. */
export interface StoreFlags extends PlaceFlags {
  readonly tenant?: string
  readonly config?: string
  /** Whether to print JSON for programs, for commands that can. */
  readonly json?: boolean
}

/** What such a command works with. */
export interface OpenStore extends Pick<ConfiguredStore, 'store' | 'secret'> {
  readonly config: Config
  /** What clients and users are told; taken from the last start if the command is told nothing else. */
  readonly facts: InstallationFacts
}

/** What is known of an installation. */
export interface InstallationFacts {
  readonly publicUrl: string
  /** The URLs of its MCP servers. */
  readonly resources: readonly string[]
  /** The same, with their names in the audit. */
  readonly servers: readonly { readonly name: string; readonly resource: string }[]
  /** Who may log in; undefined if nobody has said. */
  readonly users: string | undefined
  /** How access tokens are signed, and how the servers that were last started do it. */
  readonly signingAlgorithm: SigningAlgorithm
  readonly servedAlgorithm: SigningAlgorithm
}

interface StoreOptions {
  readonly base?: ConfigInput
  /**
   * For a command that makes the store if there is none: called before that, so that nothing is made by a
   * command that cannot do its work.
   */
  readonly beforeMaking?: ((facts: Pick<InstallationFacts, 'users'>) => Promise<void>) | undefined
}

/** Adds the flags that select an installation: by its configuration file, or by where it is. */
export function addInstallationFlags(command: Command): Command {
  return addTenantFlag(addConfigFlag(addPlaceFlags(command)))
}

/**
 * Opens the store of an installation, which may be running, while `use` runs. Throws errors that an operator
 * can fix.
 */
export async function withStore<T>(
  { config: file = process.env[fileVariable], tenant, ...place }: StoreFlags,
  use: (open: OpenStore) => Promise<T>,
  { base = {}, beforeMaking }: StoreOptions = {},
): Promise<T> {
  const whole = loadWhole({ base, file, flags: placeSettings(place) })
  const config = configFor(whole, tenant)
  const makes = !hasStore(config)
  if (beforeMaking === undefined) requireStore(config)
  else if (makes) await beforeMaking({ users: usersOf(config, file, undefined) })
  const { store, secret } = await openConfiguredStore(config, systemClock, { onUpgrade: tellUpgrade })
  try {
    if (makes) console.error(`portcullis: creating a new store in ${resolve(config.data)}`)
    const facts = await findFacts(config, { ...place, file }, store)
    return await use({ config, store, secret, facts })
  } finally {
    await store.close()
  }
}

/**
 * If something in a given file is wrong, such as a secret that is not set here, says how to do without the
 * file.
 */
function loadWhole(sources: { base: ConfigInput; file: string | undefined; flags: object }): Config {
  try {
    return loadConfig({ ...sources, environment: process.env })
  } catch (error) {
    if (!(error instanceof ConfigurationInvalid) || sources.file === undefined) throw error
    const hint =
      'you can also name just the store, without the file: with --data FOLDER, or PORTCULLIS_STORE_URL'
    throw new ConfigurationInvalid(error.problems, hint)
  }
}

/** Throws OperandWrong if the store of a configuration does not exist, or cannot be read. */
export function requireStore(config: Config): void {
  if (hasStore(config)) return
  const message = `${resolve(config.data)} is not the data folder of an installation: start one first, or name the right folder`
  throw wrongOperand('--data', message)
}

/** Whether the store of a configuration exists. Throws OperandWrong for a folder that cannot be read. */
function hasStore({ data, store: { url } }: Config): boolean {
  const folder = resolve(data)
  if (url !== undefined) return true
  let isFile = false
  try {
    isFile = statSync(folder).isFile()
    if (!isFile) accessSync(folder, constants.R_OK | constants.X_OK)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT')
      throw wrongOperand(
        '--data',
        `${folder} cannot be read (${message}): let this user read it, or name another`,
      )
  }
  if (isFile) throw wrongOperand('--data', `${folder} is a file: name a folder`)
  return existsSync(storeFile(folder))
}

/** The configuration counts if it was given; the last start supplies the rest. */
async function findFacts(
  config: Config,
  { file, port, publicUrl }: PlaceFlags & { readonly file: string | undefined },
  store: ConfiguredStore['store'],
): Promise<InstallationFacts> {
  const last = await store.lastStart.read()
  const address = port !== undefined || publicUrl !== undefined || isSet(file, 'PUBLIC_URL', 'LISTEN_GATEWAY')
  const url = address ? config.publicUrl : (last?.publicUrl ?? config.publicUrl)
  const known =
    config.upstreams.length > 0
      ? config.upstreams
      : (last?.resources ?? []).map((resource, index) => ({
          name: last?.names?.[index] ?? '',
          path: resource.slice(last?.publicUrl.length),
        }))
  const served = last?.signingAlgorithm ?? (await algorithmOfKeys(store))
  const servedAlgorithm = (served as SigningAlgorithm | undefined) ?? config.tokens.signingAlgorithm
  const servers = known.map(({ name, path }) => ({ name, resource: url + path }))
  return {
    publicUrl: url,
    resources: servers.map(({ resource }) => resource),
    servers,
    users: usersOf(config, file, last?.users),
    signingAlgorithm: isSet(file, 'TOKENS_SIGNING_ALGORITHM')
      ? config.tokens.signingAlgorithm
      : servedAlgorithm,
    servedAlgorithm,
  }
}

function usersOf({ login }: Config, file: string | undefined, last: string | undefined): string | undefined {
  return isSet(file, 'MODE', 'LOGIN_USERS') ? login.users : last
}

function isSet(file: string | undefined, ...names: string[]): boolean {
  const variables = names.flatMap((name) => [`PORTCULLIS_${name}`, `PORTCULLIS_${name}${fileSuffix}`])
  return file !== undefined || variables.some((variable) => process.env[variable] !== undefined)
}

/** The algorithm of the newest key, if no start has recorded that of the servers. */
async function algorithmOfKeys({ keys }: ConfiguredStore['store']): Promise<string | undefined> {
  const purpose: KeyPurpose = 'authorization-server'
  return (await keys.list(purpose)).find(({ endsAt }) => endsAt === undefined)?.algorithm
}
