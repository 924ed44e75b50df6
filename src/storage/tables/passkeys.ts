import type { Selectable } from 'kysely'
import { bigint } from '../database/bigint.ts'
import type { Passkey, PasskeyStore } from '../passkey-contract.ts'
import type { Schema } from '../schema.ts'
import type { StorePorts } from '../store-ports.ts'

/** Passkeys over SQL. They are public keys, so nothing in them is secret. */
export function passkeyStore({
  db,
  tenant,
  engine,
}: Pick<StorePorts, 'db' | 'tenant' | 'engine'>): PasskeyStore {
  const select = () => db.selectFrom('passkeys').selectAll().where('tenant', '=', tenant)
  return {
    async add(passkey, loginsSince) {
      const added = await db
        .insertInto('passkeys')
        .columns(['tenant', 'id', 'user_id', 'name', 'public_key', 'counter', 'created_at', 'used_at'])
        .expression((from) =>
          from
            .selectFrom('users')
            .select((value) => [
              'users.tenant',
              value.val(passkey.id).as('id'),
              'users.id as user_id',
              value.val(passkey.name).as('name'),
              value.val(passkey.publicKey).as('public_key'),
              bigint(passkey.counter).as('counter'),
              bigint(passkey.createdAt).as('created_at'),
              bigint(passkey.usedAt ?? null).as('used_at'),
            ])
            .where('users.tenant', '=', tenant)
            .where('users.id', '=', passkey.userId)
            .where('users.disabled_at', 'is', null)
            .where('users.logins_since', '=', loginsSince)
            // A concurrent end of the logins waits and then removes this passkey, or this waits for it.
            .$if(engine === 'postgres', (rows) => rows.forShare()),
        )
        .onConflict((conflict) => conflict.columns(['tenant', 'id']).doNothing())
        .returning('id')
        .execute()
      return added.length === 1
    },
    async find(id) {
      const row = await select().where('id', '=', id).executeTakeFirst()
      return row && toPasskey(row)
    },
    async list(userId) {
      const rows = await select().where('user_id', '=', userId).orderBy('created_at').orderBy('id').execute()
      return rows.map(toPasskey)
    },
    async use(id, { counter, usedAt, loginsSince }) {
      const used = await db
        .updateTable('passkeys')
        .set({ counter, used_at: usedAt })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        // Authenticators without a counter always report 0.
        .where((where) => where.or([where('counter', '<', counter), where('counter', '=', 0)]))
        .where((where) =>
          where.exists(
            where
              .selectFrom('users')
              .select('users.id')
              .where('users.tenant', '=', tenant)
              .whereRef('users.id', '=', 'passkeys.user_id')
              .where('users.disabled_at', 'is', null)
              .where('users.logins_since', '=', loginsSince),
          ),
        )
        .returning('id')
        .execute()
      return used.length === 1
    },
    async remove(userId, id) {
      const removed = await db
        .deleteFrom('passkeys')
        .where('tenant', '=', tenant)
        .where('user_id', '=', userId)
        .where('id', '=', id)
        .returning('id')
        .execute()
      return removed.length === 1
    },
    async removeAll(userId) {
      await db.deleteFrom('passkeys').where('tenant', '=', tenant).where('user_id', '=', userId).execute()
    },
  }
}

function toPasskey(row: Selectable<Schema['passkeys']>): Passkey {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    publicKey: row.public_key,
    counter: row.counter,
    createdAt: row.created_at,
    usedAt: row.used_at ?? undefined,
  }
}
