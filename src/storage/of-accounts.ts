import { type Kysely, type SelectQueryBuilder, sql } from 'kysely'
import type { Schema } from './schema.ts'

interface Which {
  readonly tenant: string
  readonly model: string
  /** Part of the client id, the account id or the user's names; empty for all. Untrusted. */
  readonly text: string
  readonly now: number
}

/** Selects the unexpired artifacts of accounts. */
export function ofAccounts(
  db: Kysely<Schema>,
  { tenant, model, text, now }: Which,
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
          where(
            'account_id',
            'in',
            db
              .selectFrom('users')
              .select('users.id')
              .where('users.tenant', '=', tenant)
              .where((user) => user.or([has('users.name'), has('users.display_name')])),
          ),
        ]),
      ),
    )
}
