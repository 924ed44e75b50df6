import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Base } from '../../src/compose/base.ts'
import { keepHouse } from '../../src/compose/house.ts'
import type { Config } from '../../src/config/schema.ts'
import { movableClock } from '../support/movable-clock.ts'

const tenMinutes = 10 * 60 * 1000

it('a process at which nobody logs in sweeps the store until it ends, and speaks for no installation', async (test) => {
  test.mock.timers.enable({ apis: ['setInterval'] })
  let sweeps = 0
  const swept = { sweep: async () => void sweeps++ }
  const store = { artifacts: swept, clients: swept, revocations: swept, consents: swept, keys: swept }
  const base = { store, clock: movableClock(), onFault: (error: unknown) => assert.fail(String(error)) }
  const house = await keepHouse({} as Config, base as unknown as Base, {
    hasLogin: false,
    adminUrl: 'http://127.0.0.1:3005',
  })
  assert.equal(house.setUpLink, undefined)
  await house.note({} as Config)
  for (const round of [1, 2]) {
    sweeps = 0
    test.mock.timers.tick(tenMinutes)
    for (let turn = 0; turn < 20; turn++) await setImmediate()
    assert.ok(sweeps > 0, `round ${round}`)
  }
  sweeps = 0
  house.stop()
  test.mock.timers.tick(tenMinutes)
  await setImmediate()
  assert.equal(sweeps, 0)
})
