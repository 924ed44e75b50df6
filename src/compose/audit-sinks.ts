import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { readEvent } from '../audit/read-event.ts'
import type { Sink } from '../audit/sinks/contract.ts'
import { formatLine } from '../audit/sinks/format.ts'
import { httpSink } from '../audit/sinks/http.ts'
import { syslogSink } from '../audit/sinks/syslog.ts'
import type { SinkConfig } from '../config/schema/audit-schema.ts'
import type { Config } from '../config/schema.ts'
import { StoreAway } from '../core/store-away.ts'
import type { AuditRow, AuditTable } from '../storage/tables/audit-table.ts'
import { version } from '../version.ts'

/** Builds the sinks of a configuration. Throws if a certificate file cannot be read. */
export function buildSinks({ audit, store }: Config): readonly Sink[] {
  return audit.sinks.map((sink) => build(sink, store.url))
}

function build(sink: SinkConfig, storeUrl: string | undefined): Sink {
  if (sink.kind === 'postgres') return postgresSink(sink.name, sink.url ?? storeUrl ?? '')
  const format = formatLine(sink.format, version)
  if (sink.kind === 'http') return httpSink({ ...sink, format })
  const ca = sink.ca === undefined ? undefined : readFileSync(sink.ca, 'utf8')
  return syslogSink({ ...sink, ca, format, sender: { host: hostname(), pid: process.pid } })
}

/** The driver is loaded with the first event for a database. */
async function openTable(url: string): Promise<AuditTable> {
  const { openAuditTable } = await import('../storage/tables/audit-table.ts')
  // What matters of a lost connection is whether the next delivery succeeds on another one.
  return openAuditTable(url, () => undefined)
}

/** The database need not be up at startup: events wait in the files until it is. */
function postgresSink(name: string, url: string): Sink {
  let opening: Promise<AuditTable> | undefined
  const open = (): Promise<AuditTable> => {
    opening ??= openTable(url).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
  return {
    name,
    async deliver(lines) {
      try {
        await (await open()).append(lines.flatMap(rowOf))
      } catch (error) {
        // This is another database than the store, or may be.
        throw error instanceof StoreAway ? error.cause : error
      }
    },
    async close() {
      await (await opening)?.close()
    },
  }
}

/**
 * A line as a row of the table. What is not an event, torn or made up, stays in the file, and so does one that
 * PostgreSQL could not take, so that the rest can follow.
 */
export function rowOf(line: string): AuditRow[] {
  const event = readEvent(line)
  if (event === undefined) return []
  const { chain, seq, time, tenant, event: name, outcome, subject, clientId, upstream } = event
  const columns = { chain, seq, time, tenant, event: name, outcome, subject, clientId, upstream }
  const hasNull = Object.values(columns).some((text) => typeof text === 'string' && text.includes('\0'))
  const isTooLong = [chain, tenant, subject].some((text = '') => Buffer.byteLength(text) > mostIndexedBytes)
  return hasNull || isTooLong ? [] : [{ ...columns, line }]
}

/** An entry of an index of PostgreSQL has at most 2704 bytes. */
const mostIndexedBytes = 2048
