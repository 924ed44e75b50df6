import type { Insertable, Kysely, Selectable } from 'kysely'
import { type Prepared, prepare } from './prepared.ts'
import type { Schema } from './schema.ts'

/** What is read of an artifact: not the columns that it is only found by. */
export const kept = ['model', 'payload', 'consumed_at', 'expires_at', 'answer', 'challenged_until'] as const

/** An artifact as it is read. */
export type KeptRow = Pick<Selectable<Schema['artifacts']>, (typeof kept)[number]>

/** An artifact as it is written: the marks of its use come later. */
export type ArtifactRow = Required<
  Omit<Insertable<Schema['artifacts']>, 'tenant' | 'consumed_at' | 'answer' | 'challenged_until'>
>

interface ById {
  readonly model: string
  readonly id: string
}

interface ByValue {
  readonly model: string
  readonly value: string
}

interface ArtifactStatements {
  readonly put: Prepared<ArtifactRow, unknown>
  readonly insertOnce: Prepared<ArtifactRow, unknown>
  readonly find: Prepared<ByValue, KeptRow>
  readonly findByUid: Prepared<ByValue, KeptRow>
  readonly findByUserCode: Prepared<ByValue, KeptRow>
  readonly consume: Prepared<ById & { readonly now: number; readonly answer: string | null }, unknown>
  readonly challenge: Prepared<ByValue & { readonly until: number }, unknown>
  readonly answerChallenge: Prepared<ById & { readonly now: number }, unknown>
  readonly remove: Prepared<ById, unknown>
  readonly take: Prepared<ById, KeptRow>
}

/** The statements that requests wait for. The ids that they are given are hashes already. */
export function artifactStatements(db: Kysely<Schema>, tenant: string): ArtifactStatements {
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
  return {
    put: prepare(db, (row: ArtifactRow) =>
      insert(row).onConflict((conflict) =>
        conflict.columns(['tenant', 'model', 'id']).doUpdateSet(columnsOf(row)),
      ),
    ),
    insertOnce: prepare(db, (row: ArtifactRow) =>
      insert(row)
        .onConflict((conflict) => conflict.columns(['tenant', 'model', 'id']).doNothing())
        .returning('id'),
    ),
    find: findBy('id'),
    findByUid: findBy('uid'),
    findByUserCode: findBy('user_code'),
    consume: prepare(db, ({ model, id, now, answer }) =>
      db
        .updateTable('artifacts')
        .set({ consumed_at: now, answer })
        .where('tenant', '=', tenant)
        .where('model', '=', model)
        .where('id', '=', id)
        .where('consumed_at', 'is', null)
        .returning('id'),
    ),
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
    remove: prepare(db, deleteById),
    take: prepare(db, (by: ById) => deleteById(by).returning(kept)),
  }
}

/** Named one by one, since a statement is built before there is a row. */
function columnsOf(row: ArtifactRow): ArtifactRow {
  const { model, id, payload, grant_id, uid, user_code, account_id, client_id, expires_at } = row
  return { model, id, payload, grant_id, uid, user_code, account_id, client_id, expires_at }
}
