import type { StorePorts } from './store-ports.ts'

/**
 * Removes the rows of a tenant that expired before a time, in milliseconds since the epoch. Returns how many.
 */
export async function removeExpired(
  { db, tenant }: Pick<StorePorts, 'db' | 'tenant'>,
  table: 'clients' | 'consents' | 'revocations',
  before: number,
): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom(table)
    .where('tenant', '=', tenant)
    .where('expires_at', '<', before)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
