import { sql } from 'kysely'
import type { StorePorts } from './store-ports.ts'

/** How many rows a statement looks at: while the embedded store runs one, its process does nothing else. */
const mostRows = 200

/**
 * Removes the artifacts of a tenant that expired before a time (milliseconds since the epoch), of some models if
 * given, in as many statements as their number takes. Returns how many.
 */
export async function sweepArtifacts(
  { db, tenant }: Pick<StorePorts, 'db' | 'tenant'>,
  before: number,
  models: readonly string[] | undefined,
): Promise<number> {
  let removed = 0
  for (let from = 0; ; ) {
    const last = await db
      .selectFrom('artifacts')
      .select('expires_at')
      .where('expires_at', '>=', from)
      .where('expires_at', '<', before)
      .orderBy('expires_at')
      .limit(1)
      .offset(mostRows - 1)
      .executeTakeFirst()
    // What has expired at the same time goes together. No row without a time is found here.
    const until = last === undefined ? before : (last.expires_at ?? from) + 1
    const { numDeletedRows } = await db
      .deleteFrom('artifacts')
      .where('expires_at', '>=', from)
      .where('expires_at', '<', until)
      // Not as a column, since the embedded store would look among all rows of the tenant, which are all it has.
      .where(sql`tenant || ''`, '=', tenant)
      .$if(models !== undefined, (query) => query.where('model', 'in', models as readonly string[]))
      .executeTakeFirst()
    removed += Number(numDeletedRows)
    if (last === undefined) return removed
    from = until
  }
}
