import { setImmediate as endOfTurn } from 'node:timers/promises'
import { type Insertable, type Kysely, type Selectable, sql } from 'kysely'
import { bigint } from '../database/bigint.ts'
import { takeNamedLock } from '../database/named-lock.ts'
import { rowsInTurn } from '../pieces.ts'
import type { Schema } from '../schema.ts'
import type { StorePorts } from '../store-ports.ts'
import type { User, UserStore } from '../user-contract.ts'

/** Users over SQL. */
export function userStore({ db, tenant }: Pick<StorePorts, 'db' | 'tenant'>): UserStore {
  const select = () => db.selectFrom('users').selectAll().where('tenant', '=', tenant)
  const update = (id: string, within: Kysely<Schema> = db) =>
    within.updateTable('users').where('tenant', '=', tenant).where('id', '=', id)
  const removeOf = (table: 'passkeys' | 'identities', id: string, within: Kysely<Schema>) =>
    within.deleteFrom(table).where('tenant', '=', tenant).where('user_id', '=', id).execute()

  const someAfter = (nameKey: string) =>
    select().where('name_key', '>', nameKey).orderBy('name_key').limit(rowsInTurn).execute()

  const add = async (user: User, nameKey: string): Promise<boolean> => {
    const added = await db
      .insertInto('users')
      .values(userRow(tenant, user, nameKey))
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .execute()
    return added.length === 1
  }

  return {
    add,
    async addFirst(user, nameKey) {
      const row = userRow(tenant, user, nameKey)
      const columns = Object.keys(row) as (keyof typeof row)[]
      const values = columns.map((column) => {
        const value = row[column]
        return typeof value === 'number' ? bigint(value) : sql`${value}`
      })
      const added = await db.transaction().execute(async (transaction) => {
        await takeNamedLock(transaction, `first-user/${tenant}`)
        return transaction
          .insertInto('users')
          .columns(columns)
          .expression(
            sql`select ${sql.join(values)} where not exists (select 1 from users where tenant = ${tenant})`,
          )
          .returning('id')
          .execute()
      })
      return added.length === 1
    },
    isEmpty: async () => (await select().limit(1).executeTakeFirst()) === undefined,
    async find(id) {
      return restore(await select().where('id', '=', id).executeTakeFirst())
    },
    async findByName(nameKey) {
      return restore(await select().where('name_key', '=', nameKey).executeTakeFirst())
    },
    async list() {
      const users: User[] = []
      let rows: readonly Selectable<Schema['users']>[] = []
      do {
        rows = await someAfter(rows.at(-1)?.name_key ?? '')
        users.push(...rows.map(toUser))
        await endOfTurn()
      } while (rows.length === rowsInTurn)
      return users
    },
    async setPassword(id, passwordHash, loginsSince) {
      await db.transaction().execute(async (transaction) => {
        await update(id, transaction)
          .set({ password_hash: passwordHash, logins_since: loginsSince, ...forgiven })
          .execute()
        await removeOf('passkeys', id, transaction)
      })
    },
    async replacePassword(id, readLoginsSince, passwordHash, loginsSince) {
      const changed = await update(id)
        .set({ password_hash: passwordHash, logins_since: loginsSince, ...forgiven })
        .where('logins_since', '=', readLoginsSince)
        .where('disabled_at', 'is', null)
        .returning('id')
        .execute()
      return changed.length === 1
    },
    async setFirstPassword(id, passwordHash) {
      const changed = await update(id)
        .set({ password_hash: passwordHash })
        .where('password_hash', 'is', null)
        .where('disabled_at', 'is', null)
        .returning('id')
        .execute()
      return changed.length === 1
    },
    async rehash(id, from, to) {
      await update(id).set({ password_hash: to }).where('password_hash', '=', from).execute()
    },
    async setDisabled(id, disabledAt, loginsSince) {
      await update(id)
        .set({ disabled_at: disabledAt ?? null, logins_since: loginsSince })
        .execute()
    },
    async remove(id) {
      await db.transaction().execute(async (transaction) => {
        await removeOf('passkeys', id, transaction)
        await removeOf('identities', id, transaction)
        await transaction.deleteFrom('users').where('tenant', '=', tenant).where('id', '=', id).execute()
      })
    },
    async claimAttempt(id, { now, lock, forgetMs }) {
      const failures = sql<number>`(case when failed_at < ${bigint(now - forgetMs)} then 0 else failures end)`
      const steps = lock.map(
        (milliseconds, index) =>
          sql`when ${failures} <= ${sql.lit(index)} then ${bigint(now + milliseconds)}`,
      )
      const longest = bigint(now + (lock.at(-1) ?? 0))
      const claimed = await update(id)
        .set({
          failures: sql`${failures} + 1`,
          failed_at: now,
          locked_until: sql`case ${sql.join(steps, sql` `)} else ${longest} end`,
        })
        .where('locked_until', '<=', now)
        .returning('id')
        .execute()
      return claimed.length === 1
    },
    async forgetFailures(id, verifiedHash) {
      if (verifiedHash === undefined) return undefined
      const admitted = await update(id)
        .set(forgiven)
        .where('password_hash', '=', verifiedHash)
        .where('disabled_at', 'is', null)
        .returningAll()
        .executeTakeFirst()
      return restore(admitted)
    },
  }
}

/** The row of a new user. */
export function userRow(tenant: string, user: User, nameKey: string): Insertable<Schema['users']> {
  return {
    tenant,
    id: user.id,
    name: user.name,
    name_key: nameKey,
    display_name: user.displayName,
    password_hash: user.passwordHash ?? null,
    created_at: user.createdAt,
    disabled_at: user.disabledAt ?? null,
    logins_since: user.loginsSince,
    failures: 0,
    failed_at: 0,
    locked_until: 0,
    provider: user.provider ?? null,
  }
}

const forgiven = { failures: 0, failed_at: 0, locked_until: 0 }

function restore(row: Selectable<Schema['users']> | undefined): User | undefined {
  return row && toUser(row)
}

/** A row as the rest of the program sees it. */
export function toUser(row: Selectable<Schema['users']>): User {
  return {
    id: row.id,
    name: row.name,
    displayName: row.display_name,
    passwordHash: row.password_hash ?? undefined,
    createdAt: row.created_at,
    disabledAt: row.disabled_at ?? undefined,
    loginsSince: row.logins_since,
    provider: row.provider ?? undefined,
  }
}
