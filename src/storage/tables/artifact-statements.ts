import { type Compilable, type Insertable, type Selectable, sql } from 'kysely'
import type { Database, StoreEngine } from '../database/database.ts'
import { type Prepared, prepare } from '../database/prepared.ts'
import type { Schema } from '../schema.ts'

/** The columns that are read of an artifact: not those that only serve to find it. */
export const kept = [
  'model',
  'id',
  'payload',
  'consumed_at',
  'expires_at',
  'challenged_until',
  'refresh_token',
  'refresh_serial',
] as const

/** An artifact as it is read. */
export type KeptRow = Pick<Selectable<Schema['artifacts']>, (typeof kept)[number]>

/** An artifact as it is written. Later marks, such as its consumption, are not part of it. */
export type ArtifactRow = Required<
  Omit<
    Insertable<Schema['artifacts']>,
    'tenant' | 'consumed_at' | 'challenged_until' | 'refresh_token' | 'refresh_serial'
  >
>

interface ById {
  readonly model: string
  readonly id: string
}

interface Consumption extends ById {
  readonly now: number
}

/** What the row of a grant receives in place of its previous refresh token. */
export interface Holding {
  readonly grant: string
  readonly token: string
  readonly serial: number
  readonly before: number
}

interface ByValue {
  readonly model: string
  readonly value: string
}

interface ArtifactStatements {
  readonly put: Prepared<ArtifactRow, unknown>
  /** The same for artifacts that need not last. */
  readonly putFleeting: Prepared<ArtifactRow, unknown>
  readonly replaceFleeting: Prepared<ArtifactRow & { readonly before: string }, unknown>
  readonly insertOnce: Prepared<ArtifactRow, unknown>
  readonly find: Prepared<ByValue, KeptRow>
  readonly findByUid: Prepared<ByValue, KeptRow>
  readonly findByUserCode: Prepared<ByValue, KeptRow>
  readonly findWithGrant: Prepared<ById, KeptRow>
  readonly consume: Prepared<Consumption, unknown>
  readonly consumeFleeting: Prepared<Consumption, unknown>
  readonly hold: Prepared<Holding, unknown>
  readonly holdFleeting: Prepared<Holding, unknown>
  readonly redeem: (consumption: Consumption, holding: Holding) => Promise<boolean>
  readonly challenge: Prepared<ByValue & { readonly until: number }, unknown>
  readonly answerChallenge: Prepared<ById & { readonly now: number }, unknown>
  readonly remove: Prepared<ById, unknown>
  readonly removeFleeting: Prepared<ById, unknown>
  readonly take: Prepared<ById, KeptRow>
}

/** The statements that requests wait for. The ids that they receive are already hashes. */
export function artifactStatements(db: Database, engine: StoreEngine, tenant: string): ArtifactStatements {
  const insert = (row: ArtifactRow) => db.insertInto('artifacts').values({ tenant, ...columnsOf(row) })
  const findBy = (column: 'id' | 'uid' | 'user_code') =>
    prepare(db, ({ model, value }: ByValue) =>
      db
        .selectFrom('artifacts')
        .select(kept)
        .where('tenant', '=', tenant)
        .where('model', '=', model)
        .where(column, '=', value),
    )
  const deleteById = ({ model, id }: ById) =>
    db.deleteFrom('artifacts').where('tenant', '=', tenant).where('model', '=', model).where('id', '=', id)
  const putRow = (row: ArtifactRow) =>
    insert(row).onConflict((conflict) =>
      conflict.columns(['tenant', 'model', 'id']).doUpdateSet(columnsOf(row)),
    )
  const put = prepare(db, putRow)
  const replaceRow = (row: ArtifactRow & { readonly before: string }) =>
    db
      .updateTable('artifacts')
      .set(columnsOf(row))
      .where('tenant', '=', tenant)
      .where('model', '=', row.model)
      .where('id', '=', row.before)
  const remove = prepare(db, deleteById)
  const consumption = ({ model, id, now }: Consumption) =>
    db
      .updateTable('artifacts')
      .set({ consumed_at: now })
      .where('tenant', '=', tenant)
      .where('model', '=', model)
      .where('id', '=', id)
      .where('consumed_at', 'is', null)
      .returning('id')
  const consume = prepare(db, consumption)
  const holding = ({ grant, token, serial, before }: Holding) =>
    db
      .updateTable('artifacts')
      .set({ refresh_token: token, refresh_serial: serial })
      .where('tenant', '=', tenant)
      .where('model', '=', 'Grant')
      .where('id', '=', grant)
      .where(sql`coalesce(refresh_serial, -1)`, '=', before)
      .returning('id')
  const hold = prepare(db, holding)
  const redeemAtOnce = prepare(db, (values: Consumption & Holding) =>
    db
      .with('used', () => consumption(values))
      .with('held', (query) =>
        holding(values).where((where) => where.exists(query.selectFrom('used').select('id'))),
      )
      .selectFrom('held')
      .select('id'),
  )
  /** Runs right after the consumption of a row, and takes effect only if that happened at the same `now`. */
  const holdNext = prepare(db, (values: Consumption & Holding) =>
    holding(values).where((where) =>
      where.exists(
        db
          .selectFrom('artifacts as used')
          .select('used.id')
          .where('used.tenant', '=', tenant)
          .where('used.model', '=', values.model)
          .where('used.id', '=', values.id)
          .where('used.consumed_at', '=', values.now),
      ),
    ),
  )
  const fleeting = <Values extends object>(build: (values: Values) => Change): Prepared<Values, unknown> =>
    engine === 'postgres'
      ? prepare(db, (values: Values) => build(values).returning(commitAsynchronously))
      : prepare(db, build, 'asynchronous')
  return {
    put,
    putFleeting: fleeting(putRow),
    replaceFleeting: fleeting(replaceRow),
    insertOnce: prepare(db, (row: ArtifactRow) =>
      insert(row)
        .onConflict((conflict) => conflict.columns(['tenant', 'model', 'id']).doNothing())
        .returning('id'),
    ),
    find: findBy('id'),
    findByUid: findBy('uid'),
    findByUserCode: findBy('user_code'),
    findWithGrant: prepare(db, ({ model, id }) =>
      db
        .selectFrom('artifacts')
        .select(kept)
        .where('tenant', '=', tenant)
        .where('model', '=', model)
        .where('id', '=', id)
        .unionAll(
          db
            .selectFrom('artifacts')
            .select(kept)
            .where('tenant', '=', tenant)
            .where('model', '=', 'Grant')
            .where('grant_id', '=', (used) =>
              used
                .selectFrom('artifacts')
                .select('grant_id')
                .where('tenant', '=', tenant)
                .where('model', '=', model)
                .where('id', '=', id),
            ),
        ),
    ),
    consume,
    consumeFleeting: fleeting(consumption),
    hold,
    holdFleeting: fleeting(holding),
    redeem:
      engine === 'postgres'
        ? async (use, held) => (await redeemAtOnce({ ...use, ...held })).length === 1
        : async (use, held) => {
            // The embedded store commits statements together that are requested together, in this order.
            const [used, given] = await Promise.all([consume(use), holdNext({ ...use, ...held })])
            return used.length === 1 && given.length === 1
          },
    challenge: prepare(db, ({ model, value, until }) =>
      db
        .updateTable('artifacts')
        .set({ challenged_until: until })
        .where('tenant', '=', tenant)
        .where('model', '=', model)
        .where('uid', '=', value),
    ),
    answerChallenge: prepare(db, ({ model, id, now }) =>
      db
        .updateTable('artifacts')
        .set({ challenged_until: null })
        .where('tenant', '=', tenant)
        .where('model', '=', model)
        .where('id', '=', id)
        .where('challenged_until', '>', now)
        .returning('id'),
    ),
    remove,
    removeFleeting: fleeting(deleteById),
    take: prepare(db, (by: ById) => deleteById(by).returning(kept)),
  }
}

/** A statement that changes artifacts. */
interface Change extends Compilable {
  returning(expression: typeof commitAsynchronously): Compilable
}

/**
 * In PostgreSQL a statement can itself say how it is committed, even if a pooler shares out the connections.
 */
const commitAsynchronously = sql<string>`set_config('synchronous_commit', 'off', true)`.as('commit')

const columns = [
  'model',
  'id',
  'payload',
  'grant_id',
  'uid',
  'user_code',
  'account_id',
  'client_id',
  'expires_at',
] as const

/** Named one by one, since a statement is built before there is a row. */
function columnsOf(row: ArtifactRow): ArtifactRow {
  return Object.fromEntries(columns.map((column) => [column, row[column]])) as ArtifactRow
}
