import type { Clock } from '../core/clock.ts'
import { defaultTenant } from '../core/default-tenant.ts'
import type { MasterSecret } from '../core/secret.ts'
import type { Store } from './contract.ts'
import type { SharedDatabase } from './database/open-database.ts'
import { openEmbedded } from './database/open-embedded.ts'
import type { OnUpgrade } from './migrate.ts'
import { checkSecret } from './secret-mark.ts'
import type { StorePorts } from './store-ports.ts'
import { artifactStore } from './tables/artifacts.ts'
import { clientStore } from './tables/clients.ts'
import { consentStore } from './tables/consents.ts'
import { identityStore } from './tables/identities.ts'
import { keyStore } from './tables/keys.ts'
import { lastStartStore } from './tables/last-start.ts'
import { passkeyStore } from './tables/passkeys.ts'
import { noNotices, revocationNotices } from './tables/revocation-notices.ts'
import { revocationStore } from './tables/revocations.ts'
import { userStore } from './tables/users.ts'

interface StoreOptions {
  /** The data folder, for the embedded store; undefined keeps everything in memory. */
  readonly folder: string | undefined
  /** A database that replaces the embedded store. Whoever has opened it closes it, after all stores in it. */
  readonly database?: SharedDatabase | undefined
  readonly secret: MasterSecret
  readonly clock: Clock
  readonly tenant?: string
  /** Called with lost connections. */
  readonly onFault?: (error: unknown) => void
  readonly onUpgrade?: OnUpgrade | undefined
}

/** Opens the store of a tenant: in a database if there is one, or else the embedded one. Throws StoreUnusable. */
export async function openStore({
  folder,
  database,
  secret,
  clock,
  tenant = defaultTenant,
  onFault = () => undefined,
  onUpgrade,
}: StoreOptions): Promise<Store> {
  const engine = database === undefined ? 'sqlite' : 'postgres'
  const db = database?.db ?? (await openEmbedded(folder, onUpgrade))
  const close = async (): Promise<void> => {
    if (database === undefined) await db.destroy()
  }
  try {
    // An embedded store belongs to a single tenant.
    await checkSecret(db, secret, database === undefined ? defaultTenant : tenant)
  } catch (error) {
    await close()
    throw error
  }
  const ports: StorePorts = { db, engine, tenant, secret, clock, together: database?.together }
  const notices = database === undefined ? noNotices : revocationNotices(database.notices, tenant)
  return {
    lastStart: lastStartStore(ports),
    artifacts: artifactStore(ports),
    clients: clientStore(ports),
    revocations: revocationStore({ ...ports, notices, onFault }),
    keys: keyStore(ports),
    consents: consentStore(ports),
    users: userStore(ports),
    passkeys: passkeyStore(ports),
    identities: identityStore(ports),
    close,
  }
}
