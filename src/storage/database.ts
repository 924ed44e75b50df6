import { type CompiledQuery, type Dialect, Kysely, type QueryResult } from 'kysely'
import type { Schema } from './schema.ts'

/** Which database runs the statements. */
export type StoreEngine = 'sqlite' | 'postgres'

/**
 * When a change is acknowledged: when it is on disk, or when everybody sees it. The second is on disk a moment later, and
 * before anything that is changed after it; meanwhile no end of our process takes it away, only a power cut or the crash of
 * a database server.
 */
export type CommitMode = 'synchronous' | 'asynchronous'

/** Runs one compiled statement by itself, outside of any transaction. */
type RunStatement = (query: CompiledQuery, mode: CommitMode) => Promise<QueryResult<never>>

/**
 * A database with two ways in: the builder, and for statements that are compiled once and run by every request a way
 * past it, since the builder's own machinery takes longer than the embedded store needs for a row.
 */
export class Database extends Kysely<Schema> {
  readonly runStatement: RunStatement

  constructor(dialect: Dialect, runStatement: RunStatement) {
    super({ dialect })
    this.runStatement = runStatement
  }
}
