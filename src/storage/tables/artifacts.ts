import { sql } from 'kysely'
import { keyedDigest, sealer } from '../../core/secret.ts'
import type { Artifact, ArtifactStore, FoundArtifact } from '../artifact-contract.ts'
import type { Prepared } from '../database/prepared.ts'
import { inPieces, inTurns } from '../pieces.ts'
import type { HeldRefreshToken } from '../refresh-token-contract.ts'
import type { StorePorts } from '../store-ports.ts'
import {
  type ArtifactRow,
  artifactStatements,
  type Holding,
  type KeptRow,
  kept,
} from './artifact-statements.ts'
import { clientsOfArtifacts, countArtifacts, listArtifacts } from './list-artifacts.ts'
import { rowsOfClient } from './of-client.ts'
import { sweepArtifacts } from './sweep-artifacts.ts'

/**
 * Steps that a user has not finished. After a power failure they start again, so nothing waits for a disk
 * until they have done something that must last.
 */
const unfinished: ReadonlySet<string> = new Set(['Interaction'])
/**
 * What need not last until it is followed by something that must, which takes it to disk as well. A code
 * expires before a machine has restarted; a user who has just signed in does so again; and a grant is worth
 * nothing to a client before the code is redeemed. That these ended or were used must last. That a refresh
 * token was replaced by its successor need not: a client that presents the successor proves it.
 */
const fleeting: ReadonlySet<string> = new Set([...unfinished, 'AuthorizationCode', 'Session', 'Grant'])

/**
 * Artifacts over SQL. Ids are keyed hashes and payloads are sealed, so that a stolen store gives nobody a
 * token, a code or a session.
 */
export function artifactStore({ db, engine, tenant, secret, clock }: StorePorts): ArtifactStore {
  const indexed = keyedDigest(secret.derive('store/index'))
  const payloads = sealer(secret.derive('store/payload'))

  const hashed = (kind: string, value: string): string => indexed(`${kind}\0${value}`)
  const optional = (kind: string, value: string | undefined): string | null =>
    value === undefined ? null : hashed(kind, value)
  const context = (model: string): string => `${tenant}\0${model}`
  const tokenContext = (grant: string): string => `${context('Grant')}\0${grant}\0refresh-token`

  const toRow = (artifact: Artifact): ArtifactRow => ({
    model: artifact.model,
    id: hashed(artifact.model, artifact.id),
    payload: payloads.seal(JSON.stringify(artifact.payload), context(artifact.model)),
    grant_id: optional('grant', artifact.grantId),
    uid: optional('uid', artifact.uid),
    user_code: optional('user_code', artifact.userCode),
    account_id: artifact.accountId ?? null,
    client_id: artifact.clientId ?? null,
    // Times from outside, which this may be computed from, can have fractions.
    expires_at: artifact.expiresAt === undefined ? null : Math.ceil(artifact.expiresAt),
  })

  const openRow = (row: KeptRow): FoundArtifact => {
    const payload = payloads.open(row.payload, context(row.model))
    if (payload === undefined) throw new Error(`a stored ${row.model} was sealed with another secret`)
    return {
      payload: JSON.parse(payload) as Record<string, unknown>,
      consumedAt: row.consumed_at ?? undefined,
      ...(row.challenged_until === null ? {} : { challengedUntil: row.challenged_until }),
      ...(row.refresh_serial === null ? {} : { refreshToken: openToken(row, row.refresh_serial) }),
    }
  }

  /** Opens very many some at a time, between which others have their turn. */
  const openAll = async (rows: readonly KeptRow[]): Promise<FoundArtifact[]> => {
    const opened: FoundArtifact[] = []
    for await (const some of inTurns(rows)) opened.push(...some.map(openRow))
    return opened
  }

  const openToken = ({ id, refresh_token: sealed }: KeptRow, serial: number): HeldRefreshToken => {
    const opened = payloads.open(sealed ?? '', tokenContext(id))
    if (opened === undefined) throw new Error('a stored refresh token was sealed with another secret')
    return { serial, ...(JSON.parse(opened) as Omit<HeldRefreshToken, 'serial'>) }
  }

  const toHolding = (
    grantId: string,
    { serial, payload, uses }: HeldRefreshToken,
    before: number | undefined,
  ): Holding => {
    const id = hashed('Grant', grantId)
    const token = payloads.seal(JSON.stringify({ payload, uses }), tokenContext(id))
    return { grant: id, token, serial, before: before ?? -1 }
  }

  const found = (row: KeptRow | undefined): FoundArtifact | undefined =>
    row === undefined ? undefined : openRow(row)

  const statements = artifactStatements(db, engine, tenant)
  const findBy = async (
    find: Prepared<{ model: string; value: string }, KeptRow>,
    model: string,
    value: string,
  ): Promise<FoundArtifact | undefined> => found((await find({ model, value }))[0])

  const all = (model: string) =>
    db.selectFrom('artifacts').select(kept).where('tenant', '=', tenant).where('model', '=', model)

  const tables = { db, engine, tenant }

  return {
    async put(artifact, { lasts } = { lasts: false }) {
      const put = fleeting.has(artifact.model) && !lasts ? statements.putFleeting : statements.put
      await put(toRow(artifact))
    },
    async replaceFleeting(before, artifact) {
      await statements.replaceFleeting({ ...toRow(artifact), before: hashed(artifact.model, before) })
    },
    async insertOnce(artifact) {
      return (await statements.insertOnce(toRow(artifact))).length === 1
    },
    find: (model, id) => findBy(statements.find, model, hashed(model, id)),
    findByUid: (model, uid) => findBy(statements.findByUid, model, hashed('uid', uid)),
    findByUserCode: (model, userCode) =>
      findBy(statements.findByUserCode, model, hashed('user_code', userCode)),
    async findWithGrant(model, id) {
      const rows = await statements.findWithGrant({ model, id: hashed(model, id) })
      return {
        found: found(rows.find((row) => row.model === model)),
        grant: found(rows.find((row) => row.model === 'Grant')),
      }
    },
    async listByAccount(model, accountId, { clientId, most } = {}) {
      const rows = await all(model)
        .where('account_id', '=', accountId)
        .$if(clientId !== undefined, (query) => query.where('client_id', '=', clientId as string))
        .orderBy('expires_at', 'desc')
        .$if(most !== undefined, (query) => query.limit(most as number))
        .execute()
      return openAll(rows)
    },
    async listByClient(model, clientId) {
      const ofClient: FoundArtifact[] = []
      for await (const rows of rowsOfClient(tables, model, clientId)) ofClient.push(...rows.map(openRow))
      return ofClient
    },
    async hasOfClient(model, clientId) {
      const now = clock.now()
      const row = await all(model)
        .clearSelect()
        .select('model')
        .where('client_id', '=', clientId)
        .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    },
    async list(model, part) {
      return openAll(await listArtifacts(tables, { model, ...part, now: clock.now() }))
    },
    clientsOf: (model) => clientsOfArtifacts(tables, { model, text: '', now: clock.now() }),
    count: (model, text) => countArtifacts(tables, { model, text, now: clock.now() }),
    async consume(model, id, gives) {
      const consumption = { model, id: hashed(model, id), now: clock.now() }
      if (gives !== undefined)
        return statements.redeem(consumption, toHolding(gives.grantId, gives.token, undefined))
      const consume = unfinished.has(model) ? statements.consumeFleeting : statements.consume
      return (await consume(consumption)).length === 1
    },
    async holdRefreshToken(grantId, token, before) {
      const hold = before === undefined ? statements.hold : statements.holdFleeting
      return (await hold(toHolding(grantId, token, before))).length === 1
    },
    async challenge(model, uid, until) {
      await statements.challenge({ model, value: hashed('uid', uid), until })
    },
    async answerChallenge(model, id) {
      const answered = await statements.answerChallenge({ model, id: hashed(model, id), now: clock.now() })
      return answered.length === 1
    },
    async remove(model, id) {
      const remove = unfinished.has(model) ? statements.removeFleeting : statements.remove
      await remove({ model, id: hashed(model, id) })
    },
    async take(model, id) {
      const [row] = await statements.take({ model, id: hashed(model, id) })
      return row !== undefined && (row.expires_at === null || row.expires_at > clock.now())
        ? found(row)
        : undefined
    },
    async removeOfAccount(model, accountId) {
      await db
        .deleteFrom('artifacts')
        .where('tenant', '=', tenant)
        .where('account_id', '=', accountId)
        .where('model', '=', model)
        .execute()
    },
    async removeGrants(grantIds) {
      // In the same order for all, so that two calls that remove the same do not wait for each other.
      for (const piece of inPieces([...new Set(grantIds)].toSorted())) {
        const remove = db.deleteFrom('artifacts').where('tenant', '=', tenant)
        // A single condition for both would be planned as a scan of all rows, and so would a list of the
        // names. A grant from an early version names itself only by its id. One after the other, since both
        // find the other grants.
        const named = sql.join(piece.map((id) => sql`(${hashed('grant', id)})`))
        await remove.where('grant_id', 'in', sql<string>`(values ${named})`).execute()
        const ids = piece.map((id) => hashed('Grant', id))
        await remove.where('model', '=', 'Grant').where('id', 'in', ids).execute()
      }
    },
    sweep: (before, models) => sweepArtifacts(tables, before, models),
  }
}
