import type { Kysely } from 'kysely'
import type { Clock } from '../core/clock.ts'
import type { Revocation, RevocationStore } from './revocation-contract.ts'
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
  const find = (kind: Revocation['kind'], id: string): Promise<{ revoked_at: number } | undefined> =>
    db
      .selectFrom('revocations')
      .select('revoked_at')
      .where('tenant', '=', tenant)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .executeTakeFirst()
  return {
    async add({ kind, id, expiresAt }) {
      const times = { revoked_at: clock.now(), expires_at: expiresAt }
      await db
        .insertInto('revocations')
        .values({ tenant, kind, id, ...times })
        .onConflict((conflict) => conflict.columns(['tenant', 'kind', 'id']).doUpdateSet(times))
        .execute()
      const revocation = { kind, id, expiresAt, revokedAt: times.revoked_at }
      for (const listener of listeners) listener(revocation)
      await notices.tell(revocation).catch(onFault)
    },
    has: async (kind, id) => (await find(kind, id)) !== undefined,
    clientRevokedAt: async (clientId) => (await find('client', clientId))?.revoked_at,
    async since(time) {
      const rows = await db
        .selectFrom('revocations')
        .select(['kind', 'id', 'expires_at', 'revoked_at'])
        .where('tenant', '=', tenant)
        .where('revoked_at', '>=', time)
        .execute()
      return rows.map(({ kind, id, expires_at, revoked_at }) => ({
        kind: kind as Revocation['kind'],
        id,
        expiresAt: expires_at,
        revokedAt: revoked_at,
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
