import { setImmediate as endOfTurn } from 'node:timers/promises'
import { type SelectQueryBuilder, sql } from 'kysely'
import { rowsInTurn } from '../pieces.ts'
import type { Schema } from '../schema.ts'
import type { StorePorts } from '../store-ports.ts'

type AccountPorts = Pick<StorePorts, 'db' | 'engine' | 'tenant'>

/** Which artifacts of accounts. */
export interface Which {
  readonly model: string
  /** Part of the client id, the account id or the user's names; empty for all. Untrusted. */
  readonly text: string
  readonly now: number
}

/** Consecutive ids; without an end, all that follow. */
interface Range {
  readonly after: string
  readonly until: string | undefined
}

/**
 * Selects the unexpired artifacts of accounts: of an embedded store some rows at a time, between which others have
 * their turn; of a shared one all at once.
 */
export async function* ofAccounts(
  ports: AccountPorts,
  which: Which,
): AsyncGenerator<SelectQueryBuilder<Schema, 'artifacts', object>> {
  const matching = select(ports, which)
  if (ports.engine === 'postgres') yield matching
  else
    for await (const { after, until } of rangesOf(ports, which.model))
      yield matching
        .where('id', '>', after)
        .$if(until !== undefined, (query) => query.where('id', '<=', until as string))
}

async function* rangesOf({ db, tenant }: AccountPorts, model: string): AsyncGenerator<Range> {
  for (let after = ''; ; ) {
    const last = await db
      .selectFrom('artifacts')
      .select('id')
      .where('tenant', '=', tenant)
      .where('model', '=', model)
      .where('id', '>', after)
      .orderBy('id')
      .limit(1)
      .offset(rowsInTurn - 1)
      .executeTakeFirst()
    yield { after, until: last?.id }
    if (last === undefined) return
    after = last.id
    await endOfTurn()
  }
}

function select(
  { db, tenant }: AccountPorts,
  { model, text, now }: Which,
): SelectQueryBuilder<Schema, 'artifacts', object> {
  const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
  // The embedded store knows the case of ASCII letters only, so that it has to see both in the same way.
  const has = (column: string) => sql<boolean>`lower(${sql.ref(column)}) like lower(${pattern}) escape '\\'`
  return db
    .selectFrom('artifacts')
    .where('tenant', '=', tenant)
    .where('model', '=', model)
    .where('account_id', 'is not', null)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .$if(text !== '', (query) =>
      query.where((where) =>
        where.or([
          has('artifacts.client_id'),
          has('artifacts.account_id'),
          // Looked up one by one, since a list of all such users would be made for each statement.
          where.exists(
            db
              .selectFrom('users')
              .select('users.id')
              .where('users.tenant', '=', tenant)
              .where('users.id', '=', sql.ref<string>('artifacts.account_id'))
              .where((user) => user.or([has('users.name'), has('users.display_name')])),
          ),
        ]),
      ),
    )
}
