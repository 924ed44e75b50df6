import DataLoader from 'dataloader'
import { type Selectable, sql } from 'kysely'
import type { Revocation } from '../revocation-contract.ts'
import type { Schema } from '../schema.ts'
import type { Database } from './database.ts'

/**
 * What the processes of a database ask it every second for each of their tenants. All that is asked in one turn is
 * one statement: hundreds of tenants would otherwise make a thousand of them a second while nothing happens.
 */
export interface AskedTogether {
  /** The keys of a tenant for a purpose, newest first. */
  readonly keys: (question: KeyQuestion) => Promise<readonly KeyRow[]>
  /** The revocations of a tenant at or after a time, in milliseconds since the epoch. */
  readonly revocations: (question: RevocationQuestion) => Promise<readonly Revocation[]>
}

type KeyRow = Selectable<Schema['keys']>

interface KeyQuestion {
  readonly tenant: string
  readonly purpose: string
}

interface RevocationQuestion {
  readonly tenant: string
  readonly time: number
}

/** A row of an answer, with the place of its question among those that were asked together. */
type Placed<Row> = Row & { readonly place: number }

/**
 * Asks a PostgreSQL database. `offset 0` makes it look each question up in an index: the planner, who does not know how
 * many there are, may otherwise join them with all rows.
 */
export function askTogether(db: Database): AskedTogether {
  const keys = together<KeyQuestion, KeyRow>(async (questions) => {
    const tenants = questions.map(({ tenant }) => tenant)
    const purposes = questions.map(({ purpose }) => purpose)
    const { rows } = await sql<Placed<KeyRow>>`select found.*, place
      from unnest(${tenants}::text[], ${purposes}::text[]) with ordinality as asked (tenant, purpose, place)
      cross join lateral (
        select * from keys where keys.tenant = asked.tenant and keys.purpose = asked.purpose offset 0
      ) as found
      order by place, created_at desc, generation desc, kid`.execute(db)
    return rows
  })
  const revocations = together<RevocationQuestion, Revocation>(async (questions) => {
    const tenants = questions.map(({ tenant }) => tenant)
    const times = questions.map(({ time }) => time)
    const { rows } = await sql<Placed<Revocation>>`select found.*, place
      from unnest(${tenants}::text[], ${times}::bigint[]) with ordinality as asked (tenant, time, place)
      cross join lateral (
        select kind, id, expires_at as "expiresAt", revoked_at as "revokedAt" from revocations
        where revocations.tenant = asked.tenant and revoked_at >= asked.time offset 0
      ) as found`.execute(db)
    return rows
  })
  return { keys, revocations }
}

function together<Question, Row extends object>(
  ask: (questions: readonly Question[]) => Promise<readonly Placed<Row>[]>,
): (question: Question) => Promise<readonly Row[]> {
  const loader = new DataLoader<Question, readonly Row[]>(
    async (questions) => {
      const answers = questions.map((): Row[] => [])
      for (const { place, ...row } of await ask(questions)) answers[place - 1]?.push(row as unknown as Row)
      return answers
    },
    { cache: false },
  )
  return (question) => loader.load(question)
}
