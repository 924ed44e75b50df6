import { after, before, describe } from 'node:test'
import type { Store } from '../../src/storage/contract.ts'
import { type Engine, postgresEngine, sqliteEngine, type TestStore } from '../support/engines.ts'
import { movableClock } from '../support/movable-clock.ts'
import { consentContract } from './consents.ts'

for (const [name, startEngine] of [
  ['SQLite', sqliteEngine],
  ['PostgreSQL', postgresEngine],
] as const) {
  describe(name, () => {
    const clock = movableClock()
    let engine: Engine
    let home: TestStore
    let store: Store
    let other: Store
    before(async () => {
      engine = await startEngine()
      home = await engine.create()
      store = await home.open({ clock })
      other = await home.open({ clock, tenant: 'other' })
    })
    after(async () => {
      await store.close()
      await other.close()
      await home.destroy()
      await engine.stop()
    })

    consentContract({ store: () => store, other: () => other }, clock)
  })
}
