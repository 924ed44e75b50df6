import type { Insertable, Kysely, Selectable } from 'kysely'
import type { Clock } from '../core/clock.ts'
import { keyedDigest, type MasterSecret, sealer } from '../core/secret.ts'
import type { Artifact, ArtifactStore, FoundArtifact } from './contract.ts'
import type { Schema } from './schema.ts'

interface ArtifactsOptions {
  readonly db: Kysely<Schema>
  readonly tenant: string
  readonly secret: MasterSecret
  readonly clock: Clock
}

/** What is read of an artifact: not the columns that it is only found by. */
const kept = ['model', 'payload', 'consumed_at', 'expires_at', 'answer'] as const

type Row = Pick<Selectable<Schema['artifacts']>, (typeof kept)[number]>

/**
 * Artifacts over SQL. Ids are keyed hashes and payloads are sealed, so that a stolen store gives nobody a token, a
 * code or a session.
 */
export function artifactStore({ db, tenant, secret, clock }: ArtifactsOptions): ArtifactStore {
  const indexKey = secret.derive('store/index')
  const payloads = sealer(secret.derive('store/payload'))

  const hashed = (kind: string, value: string): string => keyedDigest(indexKey, `${kind}\0${value}`)
  const optional = (kind: string, value: string | undefined): string | null =>
    value === undefined ? null : hashed(kind, value)
  const context = (model: string): string => `${tenant}\0${model}`
  const answerContext = (model: string): string => `${context(model)}\0answer`

  const toRow = (artifact: Artifact): Insertable<Schema['artifacts']> => ({
    tenant,
    model: artifact.model,
    id: hashed(artifact.model, artifact.id),
    payload: payloads.seal(JSON.stringify(artifact.payload), context(artifact.model)),
    grant_id: optional('grant', artifact.grantId),
    uid: optional('uid', artifact.uid),
    user_code: optional('user_code', artifact.userCode),
    account_id: artifact.accountId ?? null,
    client_id: artifact.clientId ?? null,
    consumed_at: null,
    answer: null,
    expires_at: artifact.expiresAt ?? null,
  })

  const openRow = (row: Row): FoundArtifact => {
    const payload = payloads.open(row.payload, context(row.model))
    if (payload === undefined) throw new Error(`a stored ${row.model} was sealed with another secret`)
    return {
      payload: JSON.parse(payload) as Record<string, unknown>,
      consumedAt: row.consumed_at === null ? undefined : row.consumed_at,
      ...(row.answer === null ? {} : { answer: payloads.open(row.answer, answerContext(row.model)) }),
    }
  }

  const found = (row: Row | undefined): FoundArtifact | undefined =>
    row === undefined ? undefined : openRow(row)

  const findBy = async (model: string, column: 'id' | 'uid' | 'user_code', value: string) =>
    found(
      await db
        .selectFrom('artifacts')
        .select(kept)
        .where('tenant', '=', tenant)
        .where('model', '=', model)
        .where(column, '=', value)
        .executeTakeFirst(),
    )

  const listBy = async (model: string, column: 'account_id' | 'client_id', value: string) => {
    const rows = await db
      .selectFrom('artifacts')
      .select(kept)
      .where('tenant', '=', tenant)
      .where('model', '=', model)
      .where(column, '=', value)
      .execute()
    return rows.map(openRow)
  }

  return {
    async put(artifact) {
      const { consumed_at: _, answer: __, ...row } = toRow(artifact)
      await db
        .insertInto('artifacts')
        .values(row)
        .onConflict((conflict) => conflict.columns(['tenant', 'model', 'id']).doUpdateSet(row))
        .execute()
    },
    async insertOnce(artifact) {
      const inserted = await db
        .insertInto('artifacts')
        .values(toRow(artifact))
        .onConflict((conflict) => conflict.columns(['tenant', 'model', 'id']).doNothing())
        .returning('id')
        .execute()
      return inserted.length === 1
    },
    find: (model, id) => findBy(model, 'id', hashed(model, id)),
    findByUid: (model, uid) => findBy(model, 'uid', hashed('uid', uid)),
    findByUserCode: (model, userCode) => findBy(model, 'user_code', hashed('user_code', userCode)),
    listByAccount: (model, accountId) => listBy(model, 'account_id', accountId),
    listByClient: (model, clientId) => listBy(model, 'client_id', clientId),
    async consume(model, id, answer) {
      const sealed = answer === undefined ? null : payloads.seal(answer, answerContext(model))
      const consumed = await db
        .updateTable('artifacts')
        .set({ consumed_at: clock.now(), answer: sealed })
        .where('tenant', '=', tenant)
        .where('model', '=', model)
        .where('id', '=', hashed(model, id))
        .where('consumed_at', 'is', null)
        .returning('id')
        .execute()
      return consumed.length === 1
    },
    async forgetAnswers(before) {
      await db
        .updateTable('artifacts')
        .set({ answer: null })
        .where('tenant', '=', tenant)
        .where('answer', 'is not', null)
        .where('consumed_at', '<', before)
        .execute()
    },
    async remove(model, id) {
      await db
        .deleteFrom('artifacts')
        .where('tenant', '=', tenant)
        .where('model', '=', model)
        .where('id', '=', hashed(model, id))
        .execute()
    },
    async take(model, id) {
      const row = await db
        .deleteFrom('artifacts')
        .where('tenant', '=', tenant)
        .where('model', '=', model)
        .where('id', '=', hashed(model, id))
        .returning(kept)
        .executeTakeFirst()
      return row !== undefined && (row.expires_at === null || row.expires_at > clock.now())
        ? found(row)
        : undefined
    },
    async removeGrant(grantId) {
      await db
        .deleteFrom('artifacts')
        .where('tenant', '=', tenant)
        .where((where) =>
          where.or([
            where('grant_id', '=', hashed('grant', grantId)),
            where.and([where('model', '=', 'Grant'), where('id', '=', hashed('Grant', grantId))]),
          ]),
        )
        .execute()
    },
    async sweep(before, model) {
      const { numDeletedRows } = await db
        .deleteFrom('artifacts')
        .where('tenant', '=', tenant)
        .where('expires_at', '<', before)
        .$if(model !== undefined, (query) => query.where('model', '=', model as string))
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}
