import { sql } from 'kysely'
import { rowsInTurn } from '../pieces.ts'
import type { StorePorts } from '../store-ports.ts'

type SweepPorts = Pick<StorePorts, 'db' | 'engine' | 'tenant'>

/**
 * Removes the artifacts of a tenant that expired before a time (milliseconds since the epoch), of some models if
 * given. Returns how many. The embedded store removes some at a time, between which others have their turn; a shared
 * one does it all beside everything else.
 */
export async function sweepArtifacts(
  ports: SweepPorts,
  before: number,
  models: readonly string[] | undefined,
): Promise<number> {
  let removed = 0
  for (let from = 0; ; ) {
    const last = ports.engine === 'sqlite' ? await endOfPiece(ports, from, before) : undefined
    const until = last === undefined ? before : last + 1
    removed += await removePiece(ports, { from, until }, models)
    if (last === undefined) return removed
    from = until
  }
}

/** When the last row of the next piece expires; undefined if all that are left are one piece. */
async function endOfPiece({ db }: SweepPorts, from: number, before: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('artifacts')
    .select('expires_at')
    .where('expires_at', '>=', from)
    .where('expires_at', '<', before)
    .orderBy('expires_at')
    .limit(1)
    .offset(rowsInTurn - 1)
    .executeTakeFirst()
  return row?.expires_at ?? undefined
}

/** What has expired at the same time goes together. A row that never expires is not found here. */
async function removePiece(
  { db, tenant }: SweepPorts,
  { from, until }: { readonly from: number; readonly until: number },
  models: readonly string[] | undefined,
): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('artifacts')
    .where('expires_at', '>=', from)
    .where('expires_at', '<', until)
    // Not as a column, since the embedded store would look among all rows of the tenant, which are all it has.
    .where(sql`tenant || ''`, '=', tenant)
    .$if(models !== undefined, (query) => query.where('model', 'in', models as readonly string[]))
    .executeTakeFirst()
  return Number(numDeletedRows)
}
