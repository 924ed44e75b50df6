import { setImmediate as endOfTurn } from 'node:timers/promises'
import { sql } from 'kysely'
import { inTurns, rowsInTurn } from '../pieces.ts'
import type { StorePorts } from '../store-ports.ts'
import { type KeptRow, kept } from './artifact-statements.ts'

type ClientPorts = Pick<StorePorts, 'db' | 'engine' | 'tenant'>

/**
 * The artifacts of a client, some at a time, between which others have their turn: they may be grants of very many
 * users.
 */
export async function* rowsOfClient(
  { db, engine, tenant }: ClientPorts,
  model: string,
  clientId: string,
): AsyncGenerator<readonly KeptRow[]> {
  const all = db
    .selectFrom('artifacts')
    .select(kept)
    .where('tenant', '=', tenant)
    .where('model', '=', model)
    .where('client_id', '=', clientId)
  if (engine === 'postgres') {
    yield* inTurns(await all.execute())
    return
  }
  // In the order of the index, which ends with the row's place in the file.
  const place = sql<number>`rowid`
  for (let after = 0; ; ) {
    const rows = await all
      .select(place.as('place'))
      .where(place, '>', after)
      .orderBy(place)
      .limit(rowsInTurn)
      .execute()
    yield rows
    if (rows.length < rowsInTurn) return
    after = rows.at(-1)?.place ?? after
    await endOfTurn()
  }
}
