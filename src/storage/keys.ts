import type { Kysely } from 'kysely'
import { type MasterSecret, sealer } from '../core/secret.ts'
import type { KeyTableStore, StoredKey } from './contract.ts'
import type { Schema } from './schema.ts'

/** Signing keys over SQL. Private keys are sealed. */
export function keyTableStore(db: Kysely<Schema>, tenant: string, secret: MasterSecret): KeyTableStore {
  const privateKeys = sealer(secret.derive('store/key'))

  const contextOf = (purpose: string, kid: string): string => `${tenant}\0${purpose}\0${kid}`
  const seal = ({ purpose, kid, privateJwk }: StoredKey): string =>
    privateKeys.seal(JSON.stringify(privateJwk), contextOf(purpose, kid))

  const list = async (purpose: string): Promise<StoredKey[]> => {
    const rows = await db
      .selectFrom('keys')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('purpose', '=', purpose)
      .orderBy('created_at', 'desc')
      .orderBy('kid')
      .execute()
    return rows.map((row) => {
      const jwk = privateKeys.open(row.sealed, contextOf(purpose, row.kid))
      if (jwk === undefined) throw new Error('a stored key was sealed with another secret')
      return {
        purpose,
        kid: row.kid,
        algorithm: row.algorithm,
        privateJwk: JSON.parse(jwk) as Record<string, unknown>,
        createdAt: row.created_at,
      }
    })
  }

  return {
    list,
    async addFirst(key) {
      await db.transaction().execute(async (transaction) => {
        const first = await transaction
          .insertInto('marks')
          .values({ name: `first-key/${tenant}/${key.purpose}/${key.algorithm}`, value: key.kid })
          .onConflict((conflict) => conflict.column('name').doNothing())
          .returning('name')
          .execute()
        if (first.length === 0) return
        const { purpose, kid, algorithm, createdAt } = key
        await transaction
          .insertInto('keys')
          .values({ tenant, purpose, kid, algorithm, sealed: seal(key), created_at: createdAt })
          .execute()
      })
      const newest = (await list(key.purpose)).find(({ algorithm }) => algorithm === key.algorithm)
      if (newest === undefined) throw new Error('a signing key was stored and is not there')
      return newest
    },
  }
}
