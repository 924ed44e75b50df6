import { type Kysely, type Selectable, sql } from 'kysely'
import { sealer } from '../../core/secret.ts'
import type { IdentityFacts, IdentityStore, LinkedIdentity } from '../identity-contract.ts'
import type { Schema } from '../schema.ts'
import type { StorePorts } from '../store-ports.ts'
import { toUser, userRow } from './users.ts'

type IdentityPorts = Pick<StorePorts, 'db' | 'tenant' | 'secret'>

/** Identities over SQL. The credential from the provider is sealed, and can be opened for this user only. */
export function identityStore({ db, tenant, secret }: IdentityPorts): IdentityStore {
  const seals = sealer(secret.derive('store/provider-credential'))
  const context = (userId: string): string => `${tenant}\0${userId}`
  const seal = (userId: string, credential: string): string => seals.seal(credential, context(userId))

  const restore = (row: Selectable<Schema['identities']>): LinkedIdentity => {
    const credential = row.credential === null ? undefined : seals.open(row.credential, context(row.user_id))
    if (row.credential !== null && credential === undefined)
      throw new Error('a stored credential of an identity provider was sealed with another secret')
    return {
      issuer: row.issuer,
      subject: row.subject,
      userId: row.user_id,
      facts: JSON.parse(row.facts) as IdentityFacts,
      credential,
      loggedInAt: row.logged_in_at,
      askedAt: row.asked_at,
      confirmedAt: row.confirmed_at,
    }
  }

  const update = (userId: string, within: Kysely<Schema> = db) =>
    within.updateTable('identities').where('tenant', '=', tenant).where('user_id', '=', userId)

  return {
    enter: ({ user, nameKey, issuer, subject, facts, credential, now }) =>
      db.transaction().execute(async (transaction) => {
        const times = { logged_in_at: now, asked_at: now, confirmed_at: now }
        const known = { facts: JSON.stringify(facts), ...times }
        // A concurrent second login waits here, and finds the user of the first.
        const { user_id: userId } = await transaction
          .insertInto('identities')
          .values({ tenant, issuer, subject, user_id: user.id, credential: null, ...known })
          .onConflict((conflict) => conflict.columns(['tenant', 'issuer', 'subject']).doUpdateSet(known))
          .returning('user_id')
          .executeTakeFirstOrThrow()
        if (credential !== undefined) {
          await update(userId, transaction)
            .set({ credential: seal(userId, credential) })
            .execute()
        }
        await transaction
          .insertInto('users')
          .values(userRow(tenant, { ...user, id: userId }, nameKey))
          .onConflict((conflict) =>
            conflict
              .columns(['tenant', 'id'])
              .doUpdateSet({ display_name: user.displayName, provider: user.provider ?? null }),
          )
          .execute()
        const entered = await transaction
          .selectFrom('users')
          .selectAll()
          .where('tenant', '=', tenant)
          .where('id', '=', userId)
          .executeTakeFirstOrThrow()
        return toUser(entered)
      }),
    async findUser(issuer, subject) {
      const row = await db
        .selectFrom('users')
        .selectAll('users')
        .innerJoin('identities', (join) =>
          join.onRef('identities.tenant', '=', 'users.tenant').onRef('identities.user_id', '=', 'users.id'),
        )
        .where('identities.tenant', '=', tenant)
        .where('identities.issuer', '=', issuer)
        .where('identities.subject', '=', subject)
        .executeTakeFirst()
      return row && toUser(row)
    },
    async findByUser(userId) {
      const row = await db
        .selectFrom('identities')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('user_id', '=', userId)
        .executeTakeFirst()
      return row && restore(row)
    },
    async listFacts() {
      const rows = await db
        .selectFrom('identities')
        .select(['user_id', 'facts'])
        .where('tenant', '=', tenant)
        .execute()
      return new Map(rows.map(({ user_id: userId, facts }) => [userId, JSON.parse(facts) as IdentityFacts]))
    },
    async claimQuestion(userId, askedAt, now) {
      const claimed = await update(userId)
        .set({ asked_at: now })
        .where('asked_at', '=', askedAt)
        .returning('user_id')
        .execute()
      return claimed.length === 1
    },
    async confirm(userId, { loggedInAt, facts, credential, now }) {
      await update(userId)
        .set({ facts: JSON.stringify(facts), credential: seal(userId, credential), confirmed_at: now })
        .where('logged_in_at', '=', loggedInAt)
        .execute()
    },
    refuse: (userId, { loggedInAt, now }) =>
      db.transaction().execute(async (transaction) => {
        const refused = await update(userId, transaction)
          .set({ credential: null, logged_in_at: 0 })
          .where('logged_in_at', '=', loggedInAt)
          .returning('user_id')
          .execute()
        if (refused.length === 0) return
        // Later than any valid login, even if the clock was set back.
        const since = sql<number>`case when logins_since + 1000 > ${now} then logins_since + 1000 else ${now} end`
        await transaction
          .updateTable('users')
          .set({ logins_since: since })
          .where('tenant', '=', tenant)
          .where('id', '=', userId)
          .execute()
      }),
  }
}
