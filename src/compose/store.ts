import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { type MasterSecret, tenantSecret } from '../core/secret.ts'
import { prepareDataFolder } from '../keys/data-folder.ts'
import { loadMasterSecret } from '../keys/master-secret.ts'
import type { Store } from '../storage/contract.ts'
import { openDatabase, type SharedDatabase } from '../storage/database/open-database.ts'
import { storeFile } from '../storage/database/open-embedded.ts'
import type { OnUpgrade } from '../storage/migrate.ts'
import { openStore } from '../storage/open.ts'

/** The store of a configuration, with the secret that opens it. */
export interface ConfiguredStore {
  readonly store: Store
  readonly secret: MasterSecret
  /** The database that the stores of tenants share; undefined for an embedded store. */
  readonly database: SharedDatabase | undefined
}

interface StorePorts {
  /** Called when connections are lost. */
  readonly onFault?: ((error: unknown) => void) | undefined
  /** The configured database, if the caller has already opened it and will close it. */
  readonly database?: SharedDatabase | undefined
  readonly onUpgrade?: OnUpgrade | undefined
}

/**
 * Opens the store of a configuration; the only place that chooses which one. Throws problems that an operator
 * can fix.
 */
export async function openConfiguredStore(
  config: Config,
  clock: Clock,
  { onFault = () => undefined, database: given, onUpgrade }: StorePorts = {},
): Promise<ConfiguredStore> {
  const folder = resolve(config.data)
  const { tenant } = config
  const { url } = config.store
  const home = tenant?.home ?? folder
  prepareDataFolder(home)
  prepareDataFolder(folder)
  // The secret is created before the store, so a store without a secret has lost it.
  const hasStore = url === undefined && [home, folder].some((one) => existsSync(storeFile(one)))
  const whole = loadMasterSecret({ configured: config.secret, folder: home, hasStore })
  const secret = tenant === undefined ? whole : tenantSecret(whole, tenant.name)
  const own =
    url === undefined || given !== undefined ? undefined : await openDatabase(url, onFault, onUpgrade)
  const database = given ?? own
  try {
    const store = await openStore({
      folder,
      database,
      secret,
      clock,
      onFault,
      onUpgrade,
      ...(tenant === undefined ? {} : { tenant: tenant.name }),
    })
    const close = async (): Promise<void> => {
      await store.close()
      await own?.close()
    }
    return { store: { ...store, close }, secret, database }
  } catch (error) {
    await own?.close()
    throw error
  }
}
