import { type Kysely, type QueryExecutorProvider, sql } from 'kysely'
import type { Schema } from '../schema.ts'

/**
 * Creates the tables of the audit, or upgrades them to their current form. Once they have it, this needs no
 * privilege, so that a user may only append or only read. Nothing is changed or removed by mistake: a removal
 * has to be announced in its transaction, and a change would require dropping the trigger first.
 */
export async function createAuditTable(database: Kysely<Schema>): Promise<void> {
  await sql`
    do $$ begin
      if to_regclass('audit_events_tenant') is not null and 2 = (
        select count(*) from pg_trigger where (tgrelid, tgname) in (
          (to_regclass('audit_events'), 'audit_events_append_only'),
          (to_regclass('audit_anchors'), 'audit_anchors_append_only')))
      then return; end if;
      perform pg_advisory_xact_lock(hashtext('portcullis audit'));
      create table if not exists audit_events (
        id bigint generated always as identity primary key,
        chain text not null,
        seq bigint not null,
        time timestamptz not null,
        tenant text,
        event text not null,
        outcome text,
        subject text,
        client_id text,
        upstream text,
        line text not null,
        unique (chain, seq)
      );
      create table if not exists audit_anchors (
        id bigint generated always as identity primary key,
        tenant text,
        line text not null
      );
      if not exists (
        select from information_schema.columns
        where table_schema = current_schema and table_name = 'audit_events' and column_name = 'tenant'
      ) then
        alter table audit_events add column tenant text;
        alter table audit_events disable trigger audit_events_append_only;
        update audit_events set tenant = substring(line from
          '^\\{"v":1,"chain":"[^"]*","seq":[0-9]+,"prev":"[^"]*","time":"[^"]*","tenant":"([^"]*)"');
        alter table audit_events enable trigger audit_events_append_only;
      end if;
      create index if not exists audit_events_time on audit_events (time);
      create index if not exists audit_events_subject on audit_events (subject, time);
      create index if not exists audit_events_tenant on audit_events (tenant, id);
      create or replace function audit_events_append_only() returns trigger language plpgsql as
        'begin
          if tg_op = ''DELETE'' and tg_table_name = ''audit_events''
            and current_setting(''portcullis.prune'', true) = ''on'' then
            return null;
          end if;
          raise exception ''% is append only'', tg_table_name;
        end';
      if not exists (
        select from pg_trigger where tgrelid = 'audit_events'::regclass and tgname = 'audit_events_append_only'
      ) then
        create trigger audit_events_append_only before update or delete or truncate on audit_events
          for each statement execute function audit_events_append_only();
      end if;
      if not exists (
        select from pg_trigger where tgrelid = 'audit_anchors'::regclass and tgname = 'audit_anchors_append_only'
      ) then
        create trigger audit_anchors_append_only before update or delete or truncate on audit_anchors
          for each statement execute function audit_events_append_only();
      end if;
    end $$`.execute(database)
}

/**
 * Announces, for a transaction, that its removal of events is intended, and waits for any other that is in
 * progress.
 */
export async function allowRemoval(transaction: QueryExecutorProvider): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('portcullis audit prune')),
    set_config('portcullis.prune', 'on', true)`.execute(transaction)
}
