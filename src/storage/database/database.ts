import { type CompiledQuery, type Dialect, Kysely, type QueryResult } from 'kysely'
import type { Schema } from '../schema.ts'

/** Which database runs the statements. */
export type StoreEngine = 'sqlite' | 'postgres'

/**
 * When a change is acknowledged: when it is on disk, or when it is visible to everybody. In the second case
 * it is on disk a moment later, and before anything that is changed after it; until then no end of our
 * process can undo it, only a power failure or a crash of the database server.
 */
export type CommitMode = 'synchronous' | 'asynchronous'

/** Runs one compiled statement by itself, outside of any transaction. */
type RunStatement = (query: CompiledQuery, mode: CommitMode) => Promise<QueryResult<never>>

/**
 * A database with two ways to use it: the builder, and a way around it for statements that are compiled once
 * and run by every request, since the builder's own overhead exceeds the time that the embedded store needs
 * for a row.
 */
export class Database extends Kysely<Schema> {
  readonly runStatement: RunStatement

  constructor(dialect: Dialect, runStatement: RunStatement) {
    super({ dialect })
    this.runStatement = runStatement
  }
}
