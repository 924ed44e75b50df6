import { setImmediate as endOfTurn } from 'node:timers/promises'
import type { Kysely, Selectable } from 'kysely'
import { LRUCache } from 'lru-cache'
import { atMost } from '../../core/at-most.ts'
import { sealer } from '../../core/secret.ts'
import type { ClientStore, StoredClient } from '../client-contract.ts'
import { bigint } from '../database/bigint.ts'
import { takeNamedLock } from '../database/named-lock.ts'
import { rowsInTurn } from '../pieces.ts'
import type { Schema } from '../schema.ts'
import type { StorePorts } from '../store-ports.ts'
import { removeExpired } from './remove-expired.ts'

type ClientPorts = Pick<StorePorts, 'db' | 'engine' | 'tenant' | 'secret' | 'clock'>

type Row = Selectable<Schema['clients']>

/** The precision of the time of last use: a busy client does not cause a write for each token. */
const useMilliseconds = 3600 * 1000
const markedClients = 10_000

/** Clients over SQL. Metadata is sealed, since it may name people and places inside a company. */
export function clientStore({ db, engine, tenant, secret, clock }: ClientPorts): ClientStore {
  const metadata = sealer(secret.derive('store/client'))
  const contextOf = (id: string): string => `${tenant}\0${id}`
  /** When this process last recorded that a client is in use. */
  const marked = new LRUCache<string, number>(atMost(markedClients))

  const openRow = (row: Row): StoredClient => {
    const opened = metadata.open(row.metadata, contextOf(row.id))
    if (opened === undefined) throw new Error('a stored client was sealed with another secret')
    return {
      id: row.id,
      source: row.source as StoredClient['source'],
      metadata: JSON.parse(opened) as Record<string, unknown>,
      secretHash: row.secret_hash ?? undefined,
      createdAt: row.created_at,
      usedAt: row.used_at ?? undefined,
      expiresAt: row.expires_at ?? undefined,
    }
  }

  const someAfter = (id: string): Promise<Row[]> =>
    db
      .selectFrom('clients')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('id', '>', id)
      .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', clock.now())]))
      .orderBy('id')
      .limit(rowsInTurn)
      .execute()

  const toRow = (client: StoredClient): Row => ({
    tenant,
    id: client.id,
    source: client.source,
    metadata: metadata.seal(JSON.stringify(client.metadata), contextOf(client.id)),
    secret_hash: client.secretHash ?? null,
    created_at: client.createdAt,
    used_at: client.usedAt ?? null,
    expires_at: client.expiresAt ?? null,
  })

  /** Extends the life of an existing client. Returns whether it exists. */
  const renew = async (within: Kysely<Schema>, { id, expiresAt }: StoredClient): Promise<boolean> => {
    if (expiresAt !== undefined) {
      await within
        .updateTable('clients')
        .set({ expires_at: expiresAt })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('expires_at', '<', expiresAt)
        .execute()
    }
    const there = await within
      .selectFrom('clients')
      .select('id')
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .executeTakeFirst()
    return there !== undefined
  }

  /** Makes room for one more. Returns false if every client that registered itself is in use. */
  const makeRoom = async (within: Kysely<Schema>, ceiling: number): Promise<boolean> => {
    const { count } = await within
      .selectFrom('clients')
      .select((select) => select.fn.countAll().as('count'))
      .where('tenant', '=', tenant)
      .where('source', '=', 'dynamic')
      .executeTakeFirstOrThrow()
    if (Number(count) < ceiling) return true
    const oldest = within
      .selectFrom('clients')
      .select('id')
      .where('tenant', '=', tenant)
      .where('source', '=', 'dynamic')
      .where((where) => where.or([where('used_at', 'is', null), where('expires_at', '<', clock.now())]))
      .orderBy('expires_at')
      .limit(1)
    const removed = await within
      .deleteFrom('clients')
      .where('tenant', '=', tenant)
      .where('id', 'in', oldest)
      .returning('id')
      .execute()
    return removed.length > 0
  }

  const markInStore = async (id: string, now: number, expiresAt: number): Promise<void> => {
    await db
      .updateTable('clients')
      .set((expressions) => ({
        used_at: now,
        // Clients that an operator registered stay until they are removed.
        expires_at: expressions
          .case()
          .when('source', '=', 'dynamic')
          .then(bigint<number | null>(expiresAt))
          .else(expressions.ref('expires_at'))
          .end(),
      }))
      .where('tenant', '=', tenant)
      .where('id', '=', id)
      .where((where) =>
        where.or([where('used_at', 'is', null), where('used_at', '<', now - useMilliseconds)]),
      )
      .execute()
  }

  return {
    async find(id) {
      const row = await db
        .selectFrom('clients')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .executeTakeFirst()
      if (row === undefined || (row.expires_at !== null && row.expires_at <= clock.now())) return undefined
      return openRow(row)
    },
    async list() {
      const found: StoredClient[] = []
      let rows: Row[]
      do {
        rows = await someAfter(found.at(-1)?.id ?? '')
        found.push(...rows.map(openRow))
        await endOfTurn()
      } while (rows.length === rowsInTurn)
      return found.toSorted((one, other) => other.createdAt - one.createdAt || (one.id < other.id ? -1 : 1))
    },
    register(client, ceiling) {
      marked.delete(client.id)
      return db.transaction().execute(async (transaction) => {
        await takeNamedLock(transaction, `clients/${tenant}`)
        if (await renew(transaction, client)) return true
        if (ceiling !== undefined && !(await makeRoom(transaction, ceiling))) return false
        await transaction.insertInto('clients').values(toRow(client)).execute()
        return true
      })
    },
    async markUsed(id, expiresAt) {
      const now = clock.now()
      if ((marked.get(id) ?? Number.NEGATIVE_INFINITY) > now - useMilliseconds) return
      marked.set(id, now)
      try {
        // Uses that are not written until then count as well.
        await markInStore(id, now, expiresAt + useMilliseconds)
      } catch (error) {
        marked.delete(id)
        throw error
      }
    },
    async replaceSecret(id, secretHash) {
      const replaced = await db
        .updateTable('clients')
        .set({ secret_hash: secretHash })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('secret_hash', 'is not', null)
        .returning('id')
        .execute()
      return replaced.length === 1
    },
    async remove(id) {
      const removed = await db
        .deleteFrom('clients')
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .returning('id')
        .execute()
      return removed.length === 1
    },
    sweep: (before) => removeExpired({ db, engine, tenant }, 'clients', before),
  }
}
