import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { MasterSecret } from '../core/secret.ts'
import { loadMasterSecret, prepareDataFolder } from '../keys/master-secret.ts'
import type { Store } from '../storage/contract.ts'
import { openStore, storeFile } from '../storage/open.ts'

/** The store of a configuration, with the secret that opens it. */
export interface ConfiguredStore {
  readonly store: Store
  readonly secret: MasterSecret
  /** The data folder, which exists. */
  readonly folder: string
}

/** Opens the store of a configuration: the one place that chooses it. Throws what an operator can mend. */
export async function openConfiguredStore(
  config: Config,
  clock: Clock,
  onFault?: (error: unknown) => void,
): Promise<ConfiguredStore> {
  const folder = resolve(config.data)
  prepareDataFolder(folder)
  const { url } = config.store
  // The secret is made before the store, so that a store without one has lost it.
  const secret = loadMasterSecret(config.secret, folder, url === undefined && existsSync(storeFile(folder)))
  const store = await openStore({ folder, url, secret, clock, ...(onFault === undefined ? {} : { onFault }) })
  return { store, secret, folder }
}
