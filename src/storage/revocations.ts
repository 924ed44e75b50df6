import type { Kysely } from 'kysely'
import type { Clock } from '../core/clock.ts'
import type { Revocation, RevocationStore } from './contract.ts'
import type { RevocationNotices } from './revocation-notices.ts'
import type { Schema } from './schema.ts'

interface RevocationStoreOptions {
  readonly db: Kysely<Schema>
  readonly tenant: string
  readonly clock: Clock
  readonly notices: RevocationNotices
  /** Told when others could not be told at once: they find it in the store. */
  readonly onFault: (error: unknown) => void
}

/** Revocations over SQL. */
export function revocationStore(options: RevocationStoreOptions): RevocationStore {
  const { db, tenant, clock, notices, onFault } = options
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
      await notices.tell(revocation).catch(onFault)
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
      const deafen = notices.hear(listener)
      return () => {
        listeners.delete(listener)
        deafen()
      }
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
