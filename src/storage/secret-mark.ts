import type { Kysely } from 'kysely'
import { defaultTenant } from '../core/default-tenant.ts'
import { keyedDigest, type MasterSecret, secretsEqual } from '../core/secret.ts'
import type { Schema } from './schema.ts'
import { StoreUnusable } from './store-unusable.ts'

/**
 * A store can only be read with the secret that it was made with; saying so is better than failing at each
 * row. The first process to open a store leaves the mark. Throws StoreUnusable.
 */
export async function checkSecret(
  db: Kysely<Schema>,
  secret: MasterSecret,
  tenant = defaultTenant,
): Promise<void> {
  await db
    .insertInto('marks')
    .values({ name: nameOf(tenant), value: markOf(secret) })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  if (!(await isSecretOf(db, secret, tenant))) {
    throw new StoreUnusable(
      'the store was made with another secret: give `secret` (PORTCULLIS_SECRET), or the file `secret` in the data folder, the value back that it had; all replicas of one database need the same; or start with an empty data folder or database',
    )
  }
}

/** Whether a store was made with this secret. */
export async function isSecretOf(
  db: Kysely<Schema>,
  secret: MasterSecret,
  tenant = defaultTenant,
): Promise<boolean> {
  const mark = await db
    .selectFrom('marks')
    .select('value')
    .where('name', '=', nameOf(tenant))
    .executeTakeFirst()
  return mark !== undefined && secretsEqual(mark.value, markOf(secret))
}

/** Each tenant of a database has its own secret. */
function nameOf(tenant: string): string {
  return tenant === defaultTenant ? 'secret' : `secret/${tenant}`
}

function markOf(secret: MasterSecret): string {
  return keyedDigest(secret.derive('store/check'))('portcullis')
}
