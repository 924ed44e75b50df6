import { sql } from 'kysely'
import { rowsInTurn } from '../pieces.ts'
import type { StorePorts } from '../store-ports.ts'

const place = sql<number>`rowid`

type ExpiringTable = 'clients' | 'consents' | 'revocations'

/**
 * Removes the rows of a tenant that expired before a time, in milliseconds since the epoch. Returns how many. Goes
 * through an embedded store in steps, between which others have their turn.
 */
export async function removeExpired(
  { db, engine, tenant }: Pick<StorePorts, 'db' | 'engine' | 'tenant'>,
  table: ExpiringTable,
  before: number,
): Promise<number> {
  const remove = db.deleteFrom(table).where('expires_at', '<', before)
  if (engine === 'postgres')
    return Number((await remove.where('tenant', '=', tenant).executeTakeFirst()).numDeletedRows)
  let removed = 0
  for (let after = 0; ; ) {
    const last = await db
      .selectFrom(table)
      .select(place.as('place'))
      .where(place, '>', after)
      .orderBy(place)
      .limit(1)
      .offset(rowsInTurn - 1)
      .executeTakeFirst()
    const { numDeletedRows } = await remove
      // Not as a column, since rows would be looked for among all of the tenant, which are all there are.
      .where(sql`tenant || ''`, '=', tenant)
      .where(place, '>', after)
      .$if(last !== undefined, (query) => query.where(place, '<=', last?.place ?? 0))
      .executeTakeFirst()
    removed += Number(numDeletedRows)
    if (last === undefined) return removed
    after = last.place
  }
}
