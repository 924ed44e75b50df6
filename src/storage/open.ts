import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { MasterSecret } from '../core/secret.ts'
import { soleTenant } from '../core/sole-tenant.ts'
import { artifactStore } from './artifacts.ts'
import { clientStore } from './clients.ts'
import { consentStore } from './consents.ts'
import type { Store } from './contract.ts'
import type { Database } from './database.ts'
import { identityStore } from './identities.ts'
import { keyStore } from './keys.ts'
import { lastStartStore } from './last-start.ts'
import { migrate } from './migrate.ts'
import type { Notices } from './notices.ts'
import { passkeyStore } from './passkeys.ts'
import { noNotices, revocationNotices } from './revocation-notices.ts'
import { revocationStore } from './revocations.ts'
import { checkSecret } from './secret-mark.ts'
import { openSqlite } from './sqlite.ts'
import type { StorePorts } from './store-ports.ts'
import { StoreUnusable } from './store-unusable.ts'
import { userStore } from './users.ts'

/** A PostgreSQL database, with connections that all stores in it share. */
export interface SharedDatabase {
  readonly db: Database
  readonly notices: Notices
  close(): Promise<void>
}

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
}

/** The file of the embedded store in a data folder. */
export function storeFile(folder: string): string {
  return join(folder, 'portcullis.sqlite')
}

/** Opens a store and brings it to this version's schema. Throws StoreUnusable. */
export async function openStore({
  folder,
  database,
  secret,
  clock,
  tenant = soleTenant,
  onFault = () => undefined,
}: StoreOptions): Promise<Store> {
  const engine = database === undefined ? 'sqlite' : 'postgres'
  const db = database?.db ?? (await openEmbedded(folder))
  const close = async (): Promise<void> => {
    if (database === undefined) await db.destroy()
  }
  try {
    // An embedded store belongs to a single tenant.
    await checkSecret(db, secret, database === undefined ? soleTenant : tenant)
  } catch (error) {
    await close()
    throw error
  }
  const ports: StorePorts = { db, engine, tenant, secret, clock }
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

async function openEmbedded(folder: string | undefined): Promise<Database> {
  const file = folder === undefined ? ':memory:' : storeFile(folder)
  let db: Database | undefined
  try {
    db = openSqlite(file)
    await migrate(db)
    return db
  } catch (error) {
    await db?.destroy()
    throw explainUnopened(error, file)
  }
}

const corruptCode = 11
const noDatabaseCode = 26

/** What an operator can do about a file that cannot be opened; other errors are returned as they are. */
function explainUnopened(error: unknown, file: string): unknown {
  const cause = error instanceof StoreUnusable ? error.cause : error
  const {
    code = '',
    errcode,
    message = '',
  } = (cause ?? {}) as Partial<NodeJS.ErrnoException> & {
    errcode?: number
  }
  if (errcode === corruptCode || errcode === noDatabaseCode) {
    const fix = 'stop what runs on it, and put a backup in its place with portcullis restore FILE --force'
    return new StoreUnusable(`the store ${file} is damaged (${message}): ${fix}`, { cause })
  }
  if (!/^E[A-Z]+$/.test(code)) return error
  const fix =
    code === 'EISDIR'
      ? 'it is a folder: move it away'
      : 'let the user that Portcullis runs as read and write it'
  return new StoreUnusable(`the store ${file} cannot be opened (${code}): ${fix}`, { cause })
}

/**
 * Opens a database and brings it to this version's schema. The driver is loaded here, only if there is a
 * database. Throws StoreUnusable.
 */
export async function openDatabase(url: string, onFault: (error: unknown) => void): Promise<SharedDatabase> {
  const { openPostgres, statementMilliseconds } = await import('./postgres.ts')
  const migrating = await openPostgres({ url, onFault, patience: undefined })
  try {
    await migrate(migrating)
  } finally {
    await migrating.destroy()
  }
  const db = await openPostgres({ url, onFault, patience: statementMilliseconds })
  const notices = (await import('./notices.ts')).openNotices({ db, url, onFault })
  return {
    db,
    notices,
    async close() {
      await notices.close()
      await db.destroy()
    },
  }
}
