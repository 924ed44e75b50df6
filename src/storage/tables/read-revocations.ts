import { setImmediate as endOfTurn } from 'node:timers/promises'
import { sql } from 'kysely'
import { rowsInTurn } from '../pieces.ts'
import type { Revocation } from '../revocation-contract.ts'
import type { StorePorts } from '../store-ports.ts'

/** In the embedded store, the order of the index ends with the row's place in the file. */
const place = sql<number>`rowid`

/**
 * The revocations that were made at or after a time, in milliseconds since the epoch. Reads an embedded store in
 * steps, between which others have their turn: whoever blocks a client with many grants makes as many.
 */
export async function readRevocations(
  { db, together, tenant }: Pick<StorePorts, 'db' | 'together' | 'tenant'>,
  time: number,
): Promise<readonly Revocation[]> {
  if (together !== undefined) return together.revocations({ tenant, time })
  const since = (from: number) =>
    db
      .selectFrom('revocations')
      .select(['kind', 'id', 'expires_at as expiresAt', 'revoked_at as revokedAt'])
      .where('tenant', '=', tenant)
      .where('revoked_at', '>=', from)
      .$castTo<Revocation>()
  const all: Revocation[] = []
  for (let last = { revokedAt: time, place: 0 }; ; ) {
    const { revokedAt, place: after } = last
    const rows = await since(revokedAt)
      .select(place.as('place'))
      .where((where) => where.or([where('revoked_at', '>', revokedAt), where(place, '>', after)]))
      .orderBy('revoked_at')
      .orderBy(place)
      .limit(rowsInTurn)
      .execute()
    for (const { kind, id, expiresAt, revokedAt: at } of rows)
      all.push({ kind, id, expiresAt, revokedAt: at })
    const next = rows.at(-1)
    if (rows.length < rowsInTurn || next === undefined) return all
    last = next
    await endOfTurn()
  }
}
