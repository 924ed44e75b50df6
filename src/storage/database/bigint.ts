import { type RawBuilder, sql } from 'kysely'

/** A number within an expression: PostgreSQL treats a parameter there as text unless told otherwise. */
export function bigint<T extends number | null>(value: T): RawBuilder<T> {
  return sql<T>`cast(${value} as bigint)`
}
