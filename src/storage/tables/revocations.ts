import { inPieces } from '../pieces.ts'
import type { Revocation, RevocationStore } from '../revocation-contract.ts'
import type { StorePorts } from '../store-ports.ts'
import { readRevocations } from './read-revocations.ts'
import { removeExpired } from './remove-expired.ts'
import type { RevocationNotices } from './revocation-notices.ts'

interface RevocationPorts extends Pick<StorePorts, 'db' | 'engine' | 'together' | 'tenant' | 'clock'> {
  readonly notices: RevocationNotices
  /** Called if others could not be told immediately; they will find it in the store. */
  readonly onFault: (error: unknown) => void
}

/** Revocations over SQL. */
export function revocationStore({
  db,
  engine,
  together,
  tenant,
  clock,
  notices,
  onFault,
}: RevocationPorts): RevocationStore {
  const listeners = new Set<(revocation: Revocation) => void>()
  const find = (kind: Revocation['kind'], id: string): Promise<{ revoked_at: number } | undefined> =>
    db
      .selectFrom('revocations')
      .select('revoked_at')
      .where('tenant', '=', tenant)
      .where('kind', '=', kind)
      .where('id', '=', id)
      .executeTakeFirst()

  /** Writes revocations in one statement, as of now: those who look for new ones do not look back far. */
  const write = async (revocations: readonly Omit<Revocation, 'revokedAt'>[]): Promise<void> => {
    const now = clock.now()
    await db
      .insertInto('revocations')
      .values(
        revocations.map(({ kind, id, expiresAt }) => ({
          tenant,
          kind,
          id,
          revoked_at: now,
          expires_at: expiresAt,
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(['tenant', 'kind', 'id']).doUpdateSet((row) => ({
          revoked_at: row.ref('excluded.revoked_at'),
          expires_at: row.ref('excluded.expires_at'),
        })),
      )
      .execute()
    const told = revocations.map((revocation) => ({ ...revocation, revokedAt: now }))
    for (const listener of listeners) for (const revocation of told) listener(revocation)
    await notices.tell(told).catch(onFault)
  }

  return {
    add: (revocation) => write([revocation]),
    async addAll(revocations) {
      const once = new Map(
        revocations.map((revocation) => [`${revocation.kind} ${revocation.id}`, revocation]),
      )
      // In the same order for all, so that two calls that revoke the same do not wait for each other.
      const sorted = [...once].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, of]) => of)
      for (const piece of inPieces(sorted)) await write(piece)
    },
    has: async (kind, id) => (await find(kind, id)) !== undefined,
    revokedAt: async (kind, id) => (await find(kind, id))?.revoked_at,
    since: (time) => readRevocations({ db, together, tenant }, time),
    subscribe(listener) {
      listeners.add(listener)
      const deafen = notices.hear(listener)
      return () => {
        listeners.delete(listener)
        deafen()
      }
    },
    sweep: (before) => removeExpired({ db, engine, tenant }, 'revocations', before),
  }
}
