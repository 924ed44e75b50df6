import { type Generated, type Kysely, sql } from 'kysely'
import { openPostgres, statementMilliseconds } from './postgres.ts'
import type { Schema } from './schema.ts'

/** Events in a table of their own, to which is only added. */
export interface AuditTable {
  /** Adds lines of events, in one statement. One that is there already is left as it is. */
  append(rows: readonly AuditRow[]): Promise<void>
  /** Lines in the order in which they came, some at a time. */
  read(): AsyncGenerator<readonly string[]>
  close(): Promise<void>
}

/** The line of an event, and where it belongs. */
export interface AuditRow {
  readonly chain: string
  readonly seq: number
  readonly time: string
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
    event: string
    outcome: string | null
    subject: string | null
    client_id: string | null
    upstream: string | null
    line: string
  }
}

const pageLength = 5000

/** Opens the table of events in a PostgreSQL database; makes it if need be. Throws StoreUnusable. */
export async function openAuditTable(url: string, onFault: (error: unknown) => void): Promise<AuditTable> {
  const database = await openPostgres({ url, onFault, patience: statementMilliseconds })
  try {
    await createTable(database)
  } catch (error) {
    await database.destroy()
    throw error
  }
  const events = database.withTables<AuditSchema>()
  return {
    async append(rows) {
      if (rows.length === 0) return
      const values = rows.map(({ chain, seq, time, event, outcome, subject, clientId, upstream, line }) => ({
        chain,
        seq,
        time,
        event,
        line,
        outcome: outcome ?? null,
        subject: subject ?? null,
        client_id: clientId ?? null,
        upstream: upstream ?? null,
      }))
      await events
        .insertInto('audit_events')
        .values(values)
        .onConflict((conflict) => conflict.columns(['chain', 'seq']).doNothing())
        .execute()
    },
    async *read() {
      let last = 0
      for (;;) {
        const rows = await events
          .selectFrom('audit_events')
          .select(['id', 'line'])
          .where('id', '>', last)
          .orderBy('id')
          .limit(pageLength)
          .execute()
        if (rows.length === 0) return
        last = rows.at(-1)?.id ?? last
        yield rows.map(({ line }) => line)
      }
    },
    close: () => database.destroy(),
  }
}

/** What is in it is neither changed nor removed by mistake: the owner of the table would have to drop the trigger first. */
async function createTable(database: Kysely<Schema>): Promise<void> {
  await sql`
    do $$ begin
      perform pg_advisory_xact_lock(hashtext('portcullis audit'));
      create table if not exists audit_events (
        id bigint generated always as identity primary key,
        chain text not null,
        seq bigint not null,
        time timestamptz not null,
        event text not null,
        outcome text,
        subject text,
        client_id text,
        upstream text,
        line text not null,
        unique (chain, seq)
      );
      create index if not exists audit_events_time on audit_events (time);
      if not exists (select from pg_trigger where tgname = 'audit_events_append_only') then
        create function audit_events_append_only() returns trigger language plpgsql as
          'begin raise exception ''audit_events is append only''; end';
        create trigger audit_events_append_only before update or delete or truncate on audit_events
          for each statement execute function audit_events_append_only();
      end if;
    end $$`.execute(database)
}
