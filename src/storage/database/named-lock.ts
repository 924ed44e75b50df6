import type { Kysely } from 'kysely'
import type { Schema } from '../schema.ts'

/**
 * Takes a lock that is held until the transaction ends. Transactions that begin with the same lock run one
 * after the other on every kind of store, and each sees what the ones before it wrote.
 */
export async function takeNamedLock(transaction: Kysely<Schema>, name: string): Promise<void> {
  await transaction
    .insertInto('marks')
    .values({ name, value: '' })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: '' }))
    .execute()
}
