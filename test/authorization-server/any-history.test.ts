import { describe, it } from 'node:test'
import { runHistories } from '../model/histories.ts'
import { startPostgres } from '../support/postgres.ts'

/** The same histories each time; `npm run fuzz:histories` draws others. */
const seed = 1

describe('whatever happens, in whatever order, everything is worth what it should be', () => {
  it('on the embedded store (A9, A58, T3, T4)', () => runHistories({ seed, runs: 6, length: 100 }))

  it('at two replicas on PostgreSQL (A9, A58, T3, T4)', async (test) => {
    const server = await startPostgres()
    test.after(() => server.stop())
    await runHistories({ seed, runs: 2, length: 80, database: () => server.createDatabase() })
  })
})
