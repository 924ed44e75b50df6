import { type Generated, type Kysely, sql } from 'kysely'
import { openPostgres, statementMilliseconds } from '../database/postgres.ts'
import { notPermitted } from '../migrate.ts'
import { inPieces } from '../pieces.ts'
import type { Schema } from '../schema.ts'
import { StoreUnusable } from '../store-unusable.ts'
import { allowRemoval, createAuditTable } from './create-audit-table.ts'

/** Events in their own table, which is only appended to, and from whose beginning old ones are removed. */
export interface AuditTable {
  /** Adds lines of events, some hundred per statement. Lines that already exist are left as they are. */
  append(rows: readonly AuditRow[]): Promise<void>
  /**
   * The selected rows in the order in which they came, in batches, all from one moment. Throws StoreUnusable if
   * the user may not read them.
   */
  read(wanted: AuditSelection): AsyncGenerator<readonly KeptRow[]>
  /** The lines of the anchors of a tenant, oldest first. Throws as `read` does. */
  anchors(tenant: string | undefined): Promise<readonly string[]>
  /**
   * The position up to which everything of a tenant is older than a time (milliseconds since the epoch): a mark
   * for `read` and `remove`. Throws as `read` does.
   */
  markBefore(tenant: string | undefined, time: number): Promise<number>
  /**
   * Removes the events of a tenant below a mark and keeps their anchor, atomically. Throws StoreUnusable if
   * those are not `count` events, because somebody else has added or removed some in the meantime, or if the
   * user may not remove them.
   */
  remove(removal: AuditRemoval): Promise<void>
  close(): Promise<void>
}

/** Which lines to select: those of one tenant, or of the installation itself. */
export interface AuditSelection {
  readonly tenant: string | undefined
  /** Milliseconds since the epoch: from the first (inclusive) to the second (exclusive). */
  readonly since?: number | undefined
  readonly until?: number | undefined
  readonly subject?: string | undefined
  /** Below a mark. */
  readonly below?: number | undefined
}

/** A line, with the columns that are searched in its place. Untrusted. */
interface KeptRow {
  readonly line: string
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly subject: string | undefined
}

interface AuditRemoval {
  readonly tenant: string | undefined
  readonly below: number
  readonly count: number
  /** A signed line. */
  readonly anchor: string
}

/** The line of an event, and where it belongs. */
export interface AuditRow {
  readonly chain: string
  readonly seq: number
  readonly time: string
  readonly tenant: string | undefined
  readonly event: string
  readonly outcome: string | undefined
  readonly subject: string | undefined
  readonly clientId: string | undefined
  readonly upstream: string | undefined
  readonly line: string
}

type AuditSchema = {
  audit_events: {
    id: Generated<number>
    chain: string
    seq: number
    time: string
    tenant: string | null
    event: string
    outcome: string | null
    subject: string | null
    client_id: string | null
    upstream: string | null
    line: string
  }
  audit_anchors: {
    id: Generated<number>
    tenant: string | null
    line: string
  }
}

const pageLength = 5000
/** A sink may have a URL of its own; otherwise it is `store.url`. */
const setting = 'the URL of the sink'
const toRead = 'select on audit_events, audit_anchors'
const toRemove = 'delete on audit_events and insert on audit_anchors'

/** Opens the table of events in a PostgreSQL database, and creates it if necessary. Throws StoreUnusable. */
export async function openAuditTable(
  url: string,
  onFault: (error: unknown) => void,
  patience = statementMilliseconds,
): Promise<AuditTable> {
  const database = await openPostgres({ url, onFault, patience, setting })
  try {
    await createAuditTable(database)
  } catch (error) {
    await database.destroy()
    const { message, code } = error as NodeJS.ErrnoException
    if (code !== notPermitted) throw error
    const fix = `make the user of ${setting} the owner of the database`
    throw new StoreUnusable(`the table of the audit cannot be brought to this version: ${message}; ${fix}`, {
      cause: error,
    })
  }
  const tables = database.withTables<AuditSchema>()
  return {
    async append(rows) {
      for (const piece of inPieces(rows))
        await tables
          .insertInto('audit_events')
          .values(piece.map(toColumns))
          .onConflict((conflict) => conflict.columns(['chain', 'seq']).doNothing())
          .execute()
    },
    async *read(wanted) {
      // One snapshot: otherwise, a later page could show something committed in the meantime that an earlier
      // page lacked.
      const moment = await tables.startTransaction().setIsolationLevel('repeatable read').execute()
      try {
        // Nobody waits for this transaction, and readers may take their time.
        await sql`set local idle_in_transaction_session_timeout = 0`.execute(moment)
        for (let last = 0; ; ) {
          const rows = await selectEvents(moment, wanted)
            .where('id', '>', last)
            .orderBy('id')
            .limit(pageLength)
            .execute()
            .catch(orGrant(toRead))
          if (rows.length === 0) return
          last = rows.at(-1)?.id ?? last
          yield rows.map(({ line, time, subject }) => ({ line, time, subject: subject ?? undefined }))
        }
      } finally {
        await moment.rollback().execute()
      }
    },
    async anchors(tenant) {
      const rows = await tables
        .selectFrom('audit_anchors')
        .select('line')
        .where('tenant', 'is not distinct from', tenant ?? null)
        .orderBy('id')
        .execute()
        .catch(orGrant(toRead))
      return rows.map(({ line }) => line)
    },
    async markBefore(tenant, time) {
      const ofTenant = tables
        .selectFrom('audit_events')
        .where('tenant', 'is not distinct from', tenant ?? null)
      const young = await ofTenant
        .select('id')
        .where('time', '>=', isoOf(time))
        .orderBy('id')
        .limit(1)
        .executeTakeFirst()
        .catch(orGrant(toRead))
      if (young !== undefined) return young.id
      const last = await ofTenant.select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
      return (last?.id ?? 0) + 1
    },
    async remove({ tenant, below, count, anchor }) {
      const removing = tables.transaction().execute(async (transaction) => {
        await allowRemoval(transaction)
        await transaction
          .insertInto('audit_anchors')
          .values({ tenant: tenant ?? null, line: anchor })
          .execute()
        const { numDeletedRows } = await transaction
          .deleteFrom('audit_events')
          .where('tenant', 'is not distinct from', tenant ?? null)
          .where('id', '<', below)
          .executeTakeFirst()
        if (Number(numDeletedRows) !== count)
          throw new StoreUnusable(
            'the events have changed meanwhile, and nothing was removed: repeat the command',
          )
      })
      await removing.catch(orGrant(toRemove))
    },
    close: () => database.destroy(),
  }
}

/** Turns the refusal of a user who may not do something into StoreUnusable, which says what to grant. */
function orGrant(privileges: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (error.code !== notPermitted) throw error
    throw new StoreUnusable(`${error.message}: grant ${privileges} to the user of ${setting}`, {
      cause: error,
    })
  }
}

function selectEvents(
  db: Kysely<Schema & AuditSchema>,
  { tenant, since, until, subject, below }: AuditSelection,
) {
  return db
    .selectFrom('audit_events')
    .select(['id', 'line', 'subject', sql<number>`(extract(epoch from time) * 1000)::bigint`.as('time')])
    .where('tenant', 'is not distinct from', tenant ?? null)
    .$if(since !== undefined, (query) => query.where('time', '>=', isoOf(since as number)))
    .$if(until !== undefined, (query) => query.where('time', '<', isoOf(until as number)))
    .$if(subject !== undefined, (query) => query.where('subject', '=', subject as string))
    .$if(below !== undefined, (query) => query.where('id', '<', below as number))
}

function toColumns({ clientId, ...row }: AuditRow) {
  const { tenant, outcome, subject, upstream } = row
  return {
    ...row,
    tenant: tenant ?? null,
    outcome: outcome ?? null,
    subject: subject ?? null,
    client_id: clientId ?? null,
    upstream: upstream ?? null,
  }
}

function isoOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
