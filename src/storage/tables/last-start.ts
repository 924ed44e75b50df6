import type { LastStart, LastStartStore } from '../last-start-contract.ts'
import type { StorePorts } from '../store-ports.ts'

/** Keeps what one tenant was last started with, as a mark. */
export function lastStartStore({ db, tenant }: Pick<StorePorts, 'db' | 'tenant'>): LastStartStore {
  const name = `last-start/${tenant}`
  return {
    async write(facts) {
      const value = JSON.stringify(facts)
      await db
        .insertInto('marks')
        .values({ name, value })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
        .execute()
    },
    async read() {
      const mark = await db.selectFrom('marks').select('value').where('name', '=', name).executeTakeFirst()
      return mark && (JSON.parse(mark.value) as LastStart)
    },
  }
}
