import type { Compilable, CompiledQuery } from 'kysely'
import type { CommitMode, Database } from './database.ts'

/** Stands in a query for a value that each call supplies. */
class Placeholder {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  /**
   * A value that goes into building the query, instead of being passed on, would be the same for all calls.
   */
  [Symbol.toPrimitive](): never {
    throw new TypeError(`${this.name} is known only when the query runs`)
  }
}

/** Runs a query with the values of one call. */
export type Prepared<Values, Row> = (values: Values) => Promise<readonly Row[]>

/**
 * Builds and compiles a query once, since that takes the builder longer than a database needs to run it.
 * `build` gets the values by name and may only pass each of them on to the query unchanged: it does not have
 * the actual values yet.
 */
export function prepare<Values extends object, Row>(
  db: Database,
  build: (values: Values) => Compilable<Row>,
  mode: CommitMode = 'synchronous',
): Prepared<Values, Row> {
  const placeholders = new Proxy({}, { get: (_, name) => new Placeholder(String(name)) })
  let compiled: CompiledQuery<Row> | undefined
  return async (values) => {
    compiled ??= build(placeholders as Values).compile()
    const parameters = compiled.parameters.map((parameter) =>
      parameter instanceof Placeholder ? values[parameter.name as keyof Values] : parameter,
    )
    const { sql, query, queryId } = compiled
    return (await db.runStatement({ sql, query, queryId, parameters }, mode)).rows
  }
}
