import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { type MasterSecret, masterSecret } from '../../src/core/secret.ts'
import type { Store } from '../../src/storage/contract.ts'
import { storeFile } from '../../src/storage/database/open-embedded.ts'
import { openPostgres } from '../../src/storage/database/postgres.ts'
import { openSqlite } from '../../src/storage/database/sqlite.ts'
import type { Schema } from '../../src/storage/schema.ts'
import { openStoreAt, type StoreLocation } from './open-store-at.ts'
import { startPostgres, type TestPostgres } from './postgres.ts'

/** A separate store, initially empty, which can be opened many times. */
export interface TestStore extends StoreLocation {
  open(options?: { secret?: MasterSecret; clock?: Clock; tenant?: string }): Promise<Store>
  /** The database without any of our layers, and without migrations. */
  openRaw(): Promise<Kysely<Schema>>
  /** Runs one statement as an intruder or an operator would. */
  query(sql: string): Promise<Record<string, unknown>[]>
  destroy(): Promise<void>
}

/** One kind of store. */
export interface Engine {
  readonly name: string
  create(): Promise<TestStore>
  stop(): Promise<void>
}

/** The secret of test stores. */
export const testSecret = masterSecret(new Uint8Array(32).fill(1))

function testStore(location: StoreLocation, rest: Omit<TestStore, keyof StoreLocation | 'open'>): TestStore {
  return {
    ...location,
    ...rest,
    open: (options) => openStoreAt(location, { secret: testSecret, clock: systemClock, ...options }),
  }
}

/** The embedded store. */
export async function sqliteEngine(): Promise<Engine> {
  return {
    name: 'SQLite',
    async create() {
      const folder = await mkdtemp(join(tmpdir(), 'portcullis-store-'))
      return testStore(
        { folder, url: undefined },
        {
          openRaw: async () => openSqlite(storeFile(folder)),
          async query(sql) {
            const database = new DatabaseSync(storeFile(folder))
            try {
              return database.prepare(sql).all()
            } finally {
              database.close()
            }
          },
          destroy: () => rm(folder, { recursive: true }),
        },
      )
    },
    stop: async () => undefined,
  }
}

/** A real PostgreSQL. */
export async function postgresEngine(): Promise<Engine> {
  const server: TestPostgres = await startPostgres()
  return {
    name: 'PostgreSQL',
    async create() {
      const database = await server.createDatabase()
      const { url } = database
      const onFault = (error: unknown): never => {
        throw error
      }
      return testStore(
        { folder: undefined, url },
        {
          openRaw: () => openPostgres({ url, onFault, patience: undefined }),
          query: (sql) => database.query(sql),
          destroy: () => database.drop(),
        },
      )
    },
    stop: () => server.stop(),
  }
}
