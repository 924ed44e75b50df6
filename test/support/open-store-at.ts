import type { Store } from '../../src/storage/contract.ts'
import { openDatabase } from '../../src/storage/database/open-database.ts'
import { openStore } from '../../src/storage/open.ts'

/** The location of a store, in a form that can be passed to another process. */
export interface StoreLocation {
  readonly folder: string | undefined
  readonly url: string | undefined
}

/** Opens a store with connections of its own, which end with it. */
export async function openStoreAt(
  { folder, url }: StoreLocation,
  options: Omit<Parameters<typeof openStore>[0], 'folder' | 'database'>,
): Promise<Store> {
  if (url === undefined) return openStore({ folder, ...options })
  const database = await openDatabase(url, options.onFault ?? (() => undefined))
  try {
    const store = await openStore({ folder, database, ...options })
    return { ...store, close: () => database.close() }
  } catch (error) {
    await database.close()
    throw error
  }
}
