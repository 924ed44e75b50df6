import type { Kysely } from 'kysely'
import type { Clock } from '../core/clock.ts'
import type { Revocation, RevocationStore } from './contract.ts'
import type { Schema } from './schema.ts'

/** Revocations over SQL. */
export function revocationStore(db: Kysely<Schema>, tenant: string, clock: Clock): RevocationStore {
  const listeners = new Set<(revocation: Revocation) => void>()
  return {
    async add(revocation) {
      await db
        .insertInto('revocations')
        .values({
          tenant,
          kind: revocation.kind,
          id: revocation.id,
          revoked_at: clock.now(),
          expires_at: revocation.expiresAt,
        })
        .onConflict((conflict) => conflict.columns(['tenant', 'kind', 'id']).doNothing())
        .execute()
      for (const listener of listeners) listener(revocation)
    },
    async has(kind, id) {
      const row = await db
        .selectFrom('revocations')
        .select('id')
        .where('tenant', '=', tenant)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .executeTakeFirst()
      return row !== undefined
    },
    async since(time) {
      const rows = await db
        .selectFrom('revocations')
        .select(['kind', 'id', 'expires_at'])
        .where('tenant', '=', tenant)
        .where('revoked_at', '>=', time)
        .execute()
      return rows.map(({ kind, id, expires_at }) => ({
        kind: kind as Revocation['kind'],
        id,
        expiresAt: expires_at,
      }))
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async sweep(before) {
      const { numDeletedRows } = await db
        .deleteFrom('revocations')
        .where('tenant', '=', tenant)
        .where('expires_at', '<', before)
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}
