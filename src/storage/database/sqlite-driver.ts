import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely'
import { StoreAway } from '../../core/store-away.ts'
import type { CommitMode } from './database.ts'
import { sqliteCode, sqliteCodes } from './sqlite-code.ts'

interface Waiting {
  readonly query: CompiledQuery
  readonly mode: CommitMode
  readonly resolve: (result: QueryResult<never>) => void
  readonly reject: (error: unknown) => void
}

interface Compiled {
  readonly statement: StatementSync
  /** Whether it returns rows. */
  readonly reads: boolean
}

type Outcome = { readonly result: QueryResult<never> } | { readonly error: unknown }

/**
 * For how many turns of the event loop a commit waits for more statements, as long as each turn brings one.
 */
const mostTurns = 4

const { busy, readOnly, inputOutput, full, cannotOpen } = sqliteCodes
/** What is no fault of a statement. */
const awayCodes: ReadonlySet<number> = new Set([busy, readOnly, inputOutput, full, cannotOpen])

/** Whether others find what is written to the open file. */
type IsInPlace = () => boolean

function asStoreAway(error: unknown): unknown {
  return awayCodes.has(sqliteCode(error)) ? new StoreAway(error) : error
}

const batched = new Set(['InsertQueryNode', 'UpdateQueryNode', 'DeleteQueryNode'])

/**
 * Runs statements on one connection of node:sqlite, each compiled once.
 *
 * A commit waits for the disk and, since node:sqlite is synchronous, makes everybody wait. Changes that are
 * requested in the same turn of the event loop, or in consecutive turns, are therefore committed together, in
 * the order in which they came, and acknowledged when that commit is on disk. Each of them is still a
 * separate statement that can fail alone, unless it is the store that fails. If none of them requires it, a
 * commit does not wait for the disk; the next one that does includes it, since both are in one log.
 */
export class SqliteGroupDriver implements Driver {
  readonly #database: DatabaseSync
  readonly #isInPlace: IsInPlace
  readonly #statements = new Map<string, Compiled>()
  #waiting: Waiting[] = []
  /** How the connection currently commits. */
  #mode: CommitMode = 'synchronous'
  /** Settles when the running transaction is over; nobody else may see what it has not committed. */
  #transaction: Promise<void> | undefined
  #endTransaction: () => void = () => undefined

  /** Throws StoreAway for every statement while `isInPlace` says no. */
  constructor(database: DatabaseSync, isInPlace: IsInPlace = () => true) {
    this.#database = database
    this.#isInPlace = isInPlace
  }

  async init(): Promise<void> {
    // The database is already open.
  }

  async acquireConnection(): Promise<SqliteConnection> {
    return new SqliteConnection(this)
  }

  async releaseConnection(): Promise<void> {
    // All share one connection.
  }

  async destroy(): Promise<void> {
    await this.#transaction
    this.#commitWaiting()
    this.#database.close()
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    while (this.#transaction !== undefined) await this.#transaction
    this.#checkPlace()
    this.#commitBy('synchronous')
    // A transaction that read first could find that another process has written since, and fail.
    this.#exec('begin immediate')
    this.#transaction = new Promise((resolve) => (this.#endTransaction = resolve))
    ;(connection as SqliteConnection).inTransaction = true
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    this.#end(connection as SqliteConnection, 'commit')
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    this.#end(connection as SqliteConnection, 'rollback')
  }

  /**
   * Runs a statement in the transaction of its connection, or by itself; then it resolves as `mode` requires.
   */
  async execute(
    query: CompiledQuery,
    where: 'in transaction' | { readonly mode: CommitMode },
  ): Promise<QueryResult<never>> {
    if (where === 'in transaction') return this.#run(query)
    while (this.#transaction !== undefined) await this.#transaction
    if (!batched.has(query.query.kind)) {
      this.#checkPlace()
      if (query.query.kind !== 'SelectQueryNode') this.#commitBy('synchronous')
      return this.#run(query)
    }
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ query, mode: where.mode, resolve, reject }) === 1)
        setImmediate(() => this.#commitSoon(1, 0))
    })
  }

  #end(connection: SqliteConnection, how: 'commit' | 'rollback'): void {
    try {
      // A full disk ends the transaction by itself; then there is nothing to roll back.
      if (how === 'commit' || this.#database.isTransaction) this.#exec(how)
    } finally {
      // A failed commit is followed by a rollback, and the others wait until that is over.
      if (!this.#database.isTransaction) {
        connection.inTransaction = false
        this.#transaction = undefined
        this.#endTransaction()
      }
    }
  }

  /** Throws if the connection cannot commit; then nothing is committed. */
  #commitBy(mode: CommitMode): void {
    if (this.#mode === mode) return
    this.#exec(`PRAGMA synchronous = ${mode === 'synchronous' ? 'FULL' : 'NORMAL'}`)
    this.#mode = mode
  }

  /** Commits after a turn that brought nothing more, or after a few that did. */
  #commitSoon(turn: number, before: number): void {
    const count = this.#waiting.length
    if (count > before && turn < mostTurns) setImmediate(() => this.#commitSoon(turn + 1, count))
    else this.#commitInTurn()
  }

  #commitInTurn(): void {
    if (this.#transaction === undefined) this.#commitWaiting()
    else void this.#transaction.then(() => this.#commitInTurn())
  }

  #commitWaiting(): void {
    const batch = this.#waiting
    this.#waiting = []
    if (batch.length === 0) return
    for (const [index, outcome] of this.#commit(batch).entries()) {
      if ('error' in outcome) batch[index]?.reject(outcome.error)
      else batch[index]?.resolve(outcome.result)
    }
  }

  #commit(batch: readonly Waiting[]): Outcome[] {
    try {
      this.#checkPlace()
      this.#commitBy(batch.some(({ mode }) => mode === 'synchronous') ? 'synchronous' : 'asynchronous')
      return batch.length === 1 ? batch.map(({ query }) => this.#attempt(query)) : this.#together(batch)
    } catch (error) {
      return batch.map(() => ({ error }))
    }
  }

  #together(batch: readonly Waiting[]): Outcome[] {
    this.#exec('begin immediate')
    try {
      const outcomes = batch.map(({ query }) => this.#attemptWithin(query))
      this.#exec('commit')
      return outcomes
    } catch (error) {
      // A full disk ends the transaction by itself.
      if (this.#database.isTransaction) this.#exec('rollback')
      throw error
    }
  }

  #attempt(query: CompiledQuery): Outcome {
    try {
      return { result: this.#run(query) }
    } catch (error) {
      return { error }
    }
  }

  /**
   * Throws what is no fault of the statement, since others beside it may only make sense together with it; and
   * if there is no transaction any more, since what came next would be committed by itself.
   */
  #attemptWithin(query: CompiledQuery): Outcome {
    const outcome = this.#attempt(query)
    if ('error' in outcome && (outcome.error instanceof StoreAway || !this.#database.isTransaction))
      throw outcome.error
    return outcome
  }

  /** Otherwise what is written would be lost, and nobody would hear what others write. */
  #checkPlace(): void {
    if (!this.#isInPlace())
      throw new StoreAway(new Error('its file has been moved, removed or replaced: put it back, or restart'))
  }

  /** Throws StoreAway if that is no fault of the statement. */
  #exec(sql: string): void {
    try {
      this.#database.exec(sql)
    } catch (error) {
      throw asStoreAway(error)
    }
  }

  /** Throws StoreAway if that is no fault of the statement. */
  #run({ sql, parameters }: CompiledQuery): QueryResult<never> {
    const values = parameters.map((value) => (typeof value === 'boolean' ? Number(value) : value))
    try {
      const { statement, reads } = this.#statements.get(sql) ?? this.#compile(sql)
      if (reads) return { rows: statement.all(...(values as SQLInputValue[])) as never[] }
      const { changes } = statement.run(...(values as SQLInputValue[]))
      return { numAffectedRows: BigInt(changes), rows: [] }
    } catch (error) {
      throw asStoreAway(error)
    }
  }

  #compile(sql: string): Compiled {
    const statement = this.#database.prepare(sql)
    const compiled = { statement, reads: statement.columns().length > 0 }
    this.#statements.set(sql, compiled)
    return compiled
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #driver: SqliteGroupDriver
  inTransaction = false

  constructor(driver: SqliteGroupDriver) {
    this.#driver = driver
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.#driver.execute(query, this.inTransaction ? 'in transaction' : { mode: 'synchronous' })
  }

  // oxlint-disable-next-line require-yield -- the contract has it; nothing here reads a stream
  async *streamQuery(): AsyncGenerator<never> {
    throw new Error('the embedded store reads no streams')
  }
}
