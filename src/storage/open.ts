import { join } from 'node:path'
import type { Kysely } from 'kysely'
import type { Clock } from '../core/clock.ts'
import { keyedDigest, type MasterSecret, secretsEqual } from '../core/secret.ts'
import { artifactStore } from './artifacts.ts'
import { clientStore } from './clients.ts'
import type { Store } from './contract.ts'
import { keyTableStore } from './keys.ts'
import { migrate, StoreUnusable } from './migrate.ts'
import { revocationStore } from './revocations.ts'
import type { Schema } from './schema.ts'
import { openSqlite } from './sqlite.ts'

interface StoreOptions {
  /** The data folder; undefined keeps everything in memory. */
  readonly folder: string | undefined
  readonly secret: MasterSecret
  readonly clock: Clock
  readonly tenant?: string
}

/** The tenant of an installation that has only one. */
const soleTenant = 'default'

/** Where the embedded store of a data folder is. */
export function storeFile(folder: string): string {
  return join(folder, 'portcullis.sqlite')
}

/** Opens the embedded store and brings it to this version's schema. Throws StoreUnusable. */
export async function openStore({
  folder,
  secret,
  clock,
  tenant = soleTenant,
}: StoreOptions): Promise<Store> {
  const db = openSqlite(folder === undefined ? ':memory:' : storeFile(folder))
  try {
    await migrate(db)
    await checkSecret(db, secret)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return {
    artifacts: artifactStore({ db, tenant, secret, clock }),
    clients: clientStore({ db, tenant, secret, clock }),
    revocations: revocationStore(db, tenant, clock),
    keys: keyTableStore(db, tenant, secret),
    close: () => db.destroy(),
  }
}

/** A store can only be read with the secret that it was made with; saying so beats failing at each row. */
async function checkSecret(db: Kysely<Schema>, secret: MasterSecret): Promise<void> {
  const value = keyedDigest(secret.derive('store/check'), 'portcullis')
  await db
    .insertInto('marks')
    .values({ name: 'secret', value })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const mark = await db
    .selectFrom('marks')
    .select('value')
    .where('name', '=', 'secret')
    .executeTakeFirstOrThrow()
  if (!secretsEqual(mark.value, value)) {
    throw new StoreUnusable(
      'the store was made with another secret: give PORTCULLIS_SECRET or the file `secret` in the data folder the old value back, or start with an empty data folder',
    )
  }
}
