import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { MasterSecret } from '../core/secret.ts'
import { artifactStore } from './artifacts.ts'
import { clientStore } from './clients.ts'
import { consentStore } from './consents.ts'
import type { Store } from './contract.ts'
import type { Database } from './database.ts'
import { identityStore } from './identities.ts'
import { keyTableStore } from './keys.ts'
import { lastStartStore } from './last-start.ts'
import { migrate } from './migrate.ts'
import { passkeyStore } from './passkeys.ts'
import { noNotices, revocationNotices } from './revocation-notices.ts'
import { revocationStore } from './revocations.ts'
import { checkSecret } from './secret-mark.ts'
import { openSqlite } from './sqlite.ts'
import { userStore } from './users.ts'

interface StoreOptions {
  /** The data folder, for the embedded store; undefined keeps everything in memory. */
  readonly folder: string | undefined
  /** The URL of a PostgreSQL database, which then takes the place of the embedded store. */
  readonly url?: string | undefined
  readonly secret: MasterSecret
  readonly clock: Clock
  readonly tenant?: string
  /** Told of lost connections. */
  readonly onFault?: (error: unknown) => void
}

/** The tenant of an installation that has only one. */
const soleTenant = 'default'

/** Where the embedded store of a data folder is. */
export function storeFile(folder: string): string {
  return join(folder, 'portcullis.sqlite')
}

/** Opens a store and brings it to this version's schema. Throws StoreUnusable. */
export async function openStore({
  folder,
  url,
  secret,
  clock,
  tenant = soleTenant,
  onFault = () => undefined,
}: StoreOptions): Promise<Store> {
  const engine = url === undefined ? 'sqlite' : 'postgres'
  const db = url === undefined ? await openEmbedded(folder) : await openDatabase(url, onFault)
  try {
    await checkSecret(db, secret)
  } catch (error) {
    await db.destroy()
    throw error
  }
  const notices =
    url === undefined ? undefined : (await import('./notices.ts')).openNotices({ db, url, onFault })
  return {
    lastStart: lastStartStore(db, tenant),
    artifacts: artifactStore({ db, engine, tenant, secret, clock }),
    clients: clientStore({ db, tenant, secret, clock }),
    revocations: revocationStore({
      db,
      tenant,
      clock,
      notices: notices === undefined ? noNotices : revocationNotices(notices, tenant),
      onFault,
    }),
    keys: keyTableStore(db, tenant, secret),
    consents: consentStore(db, tenant, clock),
    users: userStore(db, tenant),
    passkeys: passkeyStore(db, tenant),
    identities: identityStore({ db, tenant, secret }),
    async close() {
      await notices?.close()
      await db.destroy()
    },
  }
}

async function openEmbedded(folder: string | undefined): Promise<Database> {
  const db = openSqlite(folder === undefined ? ':memory:' : storeFile(folder))
  try {
    await migrate(db)
    return db
  } catch (error) {
    await db.destroy()
    throw error
  }
}

/** The driver is loaded where there is a database alone. */
async function openDatabase(url: string, onFault: (error: unknown) => void): Promise<Database> {
  const { openPostgres, statementMilliseconds } = await import('./postgres.ts')
  const migrating = await openPostgres({ url, onFault, patience: undefined })
  try {
    await migrate(migrating)
  } finally {
    await migrating.destroy()
  }
  return openPostgres({ url, onFault, patience: statementMilliseconds })
}
