import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'

/**
 * Lets transactions that call this first, with the same name, run one after the other on every kind of store:
 * one that waits for the row that this writes sees what was written before.
 */
export async function serialize(transaction: Kysely<Schema>, name: string): Promise<void> {
  await transaction
    .insertInto('marks')
    .values({ name, value: '' })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: '' }))
    .execute()
}
