import { sealer } from '../../core/secret.ts'
import type { KeyStore, NewKey, StoredKey } from '../key-contract.ts'
import type { StorePorts } from '../store-ports.ts'

/** What these keys signed is still verified long after they have ended. */
const lastingPurpose = 'audit'

/** Signing keys over SQL. Private keys are sealed. */
export function keyStore({
  db,
  together,
  tenant,
  secret,
}: Pick<StorePorts, 'db' | 'together' | 'tenant' | 'secret'>): KeyStore {
  const privateKeys = sealer(secret.derive('store/key'))

  const contextOf = (purpose: string, kid: string): string => `${tenant}\0${purpose}\0${kid}`
  const seal = ({ purpose, kid, privateJwk }: NewKey): string =>
    privateKeys.seal(JSON.stringify(privateJwk), contextOf(purpose, kid))

  const read = (purpose: string) =>
    db
      .selectFrom('keys')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('purpose', '=', purpose)
      .orderBy('created_at', 'desc')
      .orderBy('generation', 'desc')
      .orderBy('kid')
      .execute()
  const list = async (purpose: string): Promise<StoredKey[]> => {
    const rows = await (together?.keys({ tenant, purpose }) ?? read(purpose))
    return rows.map((row) => {
      const jwk = privateKeys.open(row.sealed, contextOf(purpose, row.kid))
      if (jwk === undefined) throw new Error('a stored key was sealed with another secret')
      return {
        purpose,
        kid: row.kid,
        algorithm: row.algorithm,
        privateJwk: JSON.parse(jwk) as Record<string, unknown>,
        createdAt: row.created_at,
        generation: row.generation,
        signsFrom: row.signs_from,
        endsAt: row.ends_at ?? undefined,
      }
    })
  }

  const add: KeyStore['add'] = async (key, { generation, signsFrom }) => {
    const { purpose, kid, algorithm, createdAt } = key
    const added = await db
      .insertInto('keys')
      .values({
        tenant,
        purpose,
        kid,
        algorithm,
        generation,
        sealed: seal(key),
        created_at: createdAt,
        signs_from: signsFrom,
        ends_at: null,
      })
      .onConflict((conflict) =>
        conflict.columns(['tenant', 'purpose', 'algorithm', 'generation']).doNothing(),
      )
      .returning('kid')
      .execute()
    return added.length === 1
  }

  return {
    list,
    add,
    async addFirst(key) {
      const { algorithm, createdAt: now } = key
      const line = async (): Promise<StoredKey[]> =>
        (await list(key.purpose)).filter((other) => other.algorithm === algorithm)
      const living = (keys: readonly StoredKey[]): StoredKey | undefined =>
        keys.find(({ endsAt }) => endsAt === undefined || endsAt > now)
      const before = await line()
      const known = living(before)
      if (known !== undefined) return known
      const generation = 1 + Math.max(0, ...before.map((ended) => ended.generation))
      await add(key, { generation, signsFrom: now })
      const first = living(await line())
      if (first === undefined) throw new Error('a signing key was stored and is not there')
      return first
    },
    async advance(purpose, kid, signsFrom) {
      await db
        .updateTable('keys')
        .set({ signs_from: signsFrom })
        .where('tenant', '=', tenant)
        .where('purpose', '=', purpose)
        .where('kid', '=', kid)
        .where('signs_from', '>', signsFrom)
        .execute()
    },
    async end(purpose, kids, endsAt) {
      if (kids.length === 0) return 0
      const ended = await db
        .updateTable('keys')
        .set({ ends_at: endsAt })
        .where('tenant', '=', tenant)
        .where('purpose', '=', purpose)
        .where('kid', 'in', kids)
        .where((where) => where.or([where('ends_at', 'is', null), where('ends_at', '>', endsAt)]))
        .returning('kid')
        .execute()
      return ended.length
    },
    async sweep(before) {
      const { numDeletedRows } = await db
        .deleteFrom('keys')
        .where('tenant', '=', tenant)
        .where('ends_at', '<', before)
        .where('purpose', '!=', lastingPurpose)
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}
