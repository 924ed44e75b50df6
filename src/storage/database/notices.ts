import { type Kysely, sql } from 'kysely'
import type pg from 'pg'
import { StoreAway } from '../../core/store-away.ts'
import type { Schema } from '../schema.ts'
import { EndingClient } from './ending-client.ts'

/**
 * Short texts that processes on one database send each other immediately. They may be lost, so nothing may
 * depend on them alone.
 */
export interface Notices {
  /** Sends all of them in one statement. */
  send(texts: readonly string[]): Promise<void>
  /** Listens for what is sent, also by this process. Returns a function that stops it. */
  hear(listener: (text: string) => void): () => void
  close(): Promise<void>
}

interface NoticeOptions {
  readonly db: Kysely<Schema>
  /** Contains a password and is never shown. */
  readonly url: string
  /** Called when notices are no longer received; that recovers by itself. */
  readonly onFault: (error: unknown) => void
}

const channel = 'portcullis'
const connectMilliseconds = 5000
const retryMilliseconds = 1000

/** Notices over LISTEN and NOTIFY of PostgreSQL. Uses a separate connection while somebody listens. */
export function openNotices({ db, url, onFault }: NoticeOptions): Notices {
  const listeners = new Set<(text: string) => void>()
  let client: pg.Client | undefined
  let retry: NodeJS.Timeout | undefined
  let told = false

  const connect = (): void => {
    const fresh = new EndingClient({
      connectionString: url,
      application_name: 'portcullis notices',
      connectionTimeoutMillis: connectMilliseconds,
      keepAlive: true,
    })
    client = fresh
    const lost = (error: unknown): void => {
      if (client !== fresh) return
      client = undefined
      void fresh.end().catch(() => undefined) // it is already lost
      if (!told) onFault(new StoreAway(error))
      told = true
      retry = setTimeout(connect, retryMilliseconds).unref()
    }
    fresh.on('error', lost)
    fresh.on('end', () => lost(new Error('the connection ended')))
    fresh.on('notification', ({ payload = '' }) => {
      for (const listener of listeners) listener(payload)
    })
    fresh
      .connect()
      .then(() => fresh.query(`listen ${channel}`))
      .then(() => {
        told = false
      })
      .catch(lost)
  }
  const disconnect = async (): Promise<void> => {
    clearTimeout(retry)
    const last = client
    client = undefined
    await last?.end()
  }

  return {
    async send(texts) {
      await sql`select pg_notify(${channel}, text) from unnest(${texts}::text[]) as text`.execute(db)
    },
    hear(listener) {
      if (listeners.size === 0) connect()
      listeners.add(listener)
      return () => {
        if (listeners.delete(listener) && listeners.size === 0) void disconnect().catch(onFault)
      }
    },
    close: disconnect,
  }
}
