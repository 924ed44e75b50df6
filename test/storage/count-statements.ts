import { StatementSync } from 'node:sqlite'
import { mock } from 'node:test'
import pg from 'pg'

/** How many statements without rows a call takes, in whichever store. */
export async function countStatements(call: () => Promise<unknown>): Promise<number> {
  const mocks = [mock.method(StatementSync.prototype, 'run'), mock.method(pg.Client.prototype, 'query')]
  try {
    await call()
    return mocks.reduce((sum, { mock: counted }) => sum + counted.callCount(), 0)
  } finally {
    for (const { mock: counted } of mocks) counted.restore()
  }
}
