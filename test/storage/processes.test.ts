import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { StoreOrder } from '../fixtures/store-process.ts'
import { type Engine, postgresEngine, sqliteEngine, type TestStore } from '../support/engines.ts'
import { type StoreProcess, startStoreProcess } from '../support/store-process.ts'

const ids = Array.from({ length: 200 }, (_, index) => `id ${index}`)
/** One round is enough unless the machine lets one process run alone. */
const mostRounds = 20

for (const startEngine of [sqliteEngine, postgresEngine]) {
  describe(`processes that share a store: ${startEngine === sqliteEngine ? 'SQLite' : 'PostgreSQL'}`, () => {
    let engine: Engine
    let home: TestStore
    before(async () => {
      engine = await startEngine()
    })
    after(() => engine.stop())

    /** Starts processes and lets them open one empty store at once. */
    const share = async (test: TestContext, count: number): Promise<StoreProcess[]> => {
      const created = await engine.create()
      home = created
      test.after(() => created.destroy())
      const processes = await Promise.all(Array.from({ length: count }, () => startStoreProcess(test)))
      const { folder, url } = home
      await Promise.all(processes.map((process) => process.ask({ do: 'open', folder, url })))
      return processes
    }
    const askAll = (processes: StoreProcess[], order: (index: number) => StoreOrder): Promise<unknown[]> =>
      Promise.all(processes.map((process, index) => process.ask(order(index))))

    it('bring an empty one to this version together', { timeout: 60_000 }, async (test) => {
      for (let round = 0; round < 3; round++) {
        const processes = await share(test, 4)
        const applied = await home.query(`select name from kysely_migration where name like '0001%'`)
        assert.equal(applied.length, 1)
        await askAll(processes, () => ({ do: 'close' }))
      }
    })

    it('agree on one signing key', { timeout: 60_000 }, async (test) => {
      const processes = await share(test, 3)
      for (let round = 0; round < 20; round++) {
        const purpose = `round ${round}`
        const kids = await askAll(processes, (index) => ({ do: 'addFirst', purpose, kid: `k${index}` }))
        assert.equal(new Set(kids).size, 1)
      }
      await askAll(processes, () => ({ do: 'close' }))
    })

    it('let each thing happen once (A43, A58)', { timeout: 60_000 }, async (test) => {
      const processes = await share(test, 2)
      const store = await home.open()
      test.after(() => store.close())
      for (const what of ['consume', 'take', 'insertOnce'] as const) {
        let raced = false
        for (let round = 0; round < mostRounds && !raced; round++) {
          const model = `${what} ${round}`
          if (what !== 'insertOnce')
            await Promise.all(ids.map((id) => store.artifacts.put({ model, id, payload: {} })))
          const at = Date.now() + 20
          const results = await askAll(processes, () => ({ do: 'race', what, model, ids, at }))
          const lists = results as boolean[][]
          const winners = ids.map((_, index) => lists.filter((won) => won[index]).length)
          assert.deepEqual(new Set(winners), new Set([1]), `one winner of each ${what}`)
          raced = lists.every((won) => won.includes(true))
        }
        assert.ok(raced, `two processes never met in ${what}, so this proves nothing`)
      }
      await askAll(processes, () => ({ do: 'close' }))
    })

    it('hear of what the others revoked', { timeout: 60_000 }, async (test) => {
      const [other] = (await share(test, 1)) as [StoreProcess]
      const store = await home.open()
      test.after(() => store.close())
      const began = Date.now()
      await other.ask({ do: 'revoke', id: 'theirs' })
      assert.ok(await store.revocations.has('grant', 'theirs'))
      assert.deepEqual(
        (await store.revocations.since(began)).map(({ id }) => id),
        ['theirs'],
      )
      await other.ask({ do: 'close' })
    })
  })
}
