import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type ConfiguredStore, openConfiguredStore } from '../compose/store.ts'
import { fileVariable } from '../config/environment.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigurationInvalid } from '../config/problems.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import { storeFile } from '../storage/open.ts'
import { addStoreFlags, type CommonFlags, flagSettings } from './flags.ts'

/** The flags of a command that manages what the store holds. */
export interface StoreFlags extends CommonFlags {
  readonly config?: string
}

/** What such a command works with. */
export interface OpenStore extends Pick<ConfiguredStore, 'store' | 'secret'> {
  readonly config: Config
}

/** Adds the flags that say which store is meant. */
export function addInstallationFlags(command: Command): Command {
  return addStoreFlags(command).option('-c, --config <file>', `YAML file (or the variable ${fileVariable})`)
}

/** Opens the store of an installation, which may be running, for as long as `use` takes. Throws what can be mended. */
export async function withStore<T>(
  { config: file = process.env[fileVariable], json: _, ...flags }: StoreFlags,
  use: (open: OpenStore) => Promise<T>,
): Promise<T> {
  const config = loadConfig({ file, environment: process.env, flags: flagSettings(flags) })
  return withStoreOf(config, (open) => use({ config, ...open }))
}

/** The same for a configuration that has been read. */
export async function withStoreOf<T>(
  config: Config,
  use: (open: Pick<ConfiguredStore, 'store' | 'secret'>) => Promise<T>,
): Promise<T> {
  const folder = resolve(config.data)
  if (config.store.url === undefined && !existsSync(storeFile(folder))) {
    const message = `${folder} is the data folder of no installation: start one first, or name its folder`
    throw new ConfigurationInvalid([{ path: '--data', message }])
  }
  const { store, secret } = await openConfiguredStore(config, systemClock)
  try {
    return await use({ store, secret })
  } finally {
    await store.close()
  }
}
