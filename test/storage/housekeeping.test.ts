import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Base } from '../../src/compose/base.ts'
import { keepHouse } from '../../src/compose/house.ts'
import { loadConfig } from '../../src/config/load.ts'
import { siteOf } from '../../src/core/site.ts'
import { movableClock } from '../support/movable-clock.ts'

const tenMinutes = 10 * 60 * 1000
const adminUrl = 'http://127.0.0.1:3005'
const config = loadConfig({ base: { login: { users: 'none' }, publicUrl: 'http://127.0.0.1:3002' } })

/** A process with a store that counts how often it is swept. */
function open(test: TestContext): { base: Base; noted: unknown[]; sweeps: () => Promise<number> } {
  test.mock.timers.enable({ apis: ['setInterval'] })
  let count = 0
  const swept = { sweep: async () => void count++ }
  const noted: unknown[] = []
  const lastStart = { read: async () => undefined, write: async (facts: object) => void noted.push(facts) }
  const base = {
    store: { artifacts: swept, clients: swept, revocations: swept, consents: swept, keys: swept, lastStart },
    site: siteOf(config.publicUrl),
    clock: movableClock(),
    onFault: (error: unknown) => assert.fail(String(error)),
  }
  return {
    base: base as unknown as Base,
    noted,
    async sweeps() {
      count = 0
      test.mock.timers.tick(tenMinutes)
      for (let turn = 0; turn < 20; turn++) await setImmediate()
      return count
    },
  }
}

for (const [what, hasLogin] of [
  ['a process at which nobody logs in sweeps the store until it ends, and speaks for no installation', false],
  ['a process at which users log in sweeps the store until it ends, and notes what it is', true],
] as const) {
  it(what, async (test) => {
    const { base, noted, sweeps } = open(test)
    const house = await keepHouse(config, base, { hasLogin, adminUrl })
    assert.equal(house.setUpLink, undefined)
    await house.note(config)
    const facts = { publicUrl: config.publicUrl, users: 'none', adminUrl, signingAlgorithm: 'ES256' }
    const all = { ...facts, clients: [], resources: [], names: [] }
    assert.deepEqual(noted, hasLogin ? [all, all] : [])
    for (const round of [1, 2]) assert.ok((await sweeps()) > 0, `round ${round}`)
    house.stop()
    assert.equal(await sweeps(), 0)
  })
}

it('tells of a sweep that failed and goes on, but not of one that the end of the process cut off', async (test) => {
  const { base } = open(test)
  const told: unknown[] = []
  const failing = { sweep: () => Promise.reject(new Error('the store is away')) }
  const store = { ...base.store, artifacts: failing as unknown as Base['store']['artifacts'] }
  const onFault = (error: unknown): void => void told.push((error as Error).message)
  const house = await keepHouse(config, { ...base, store, onFault }, { hasLogin: false, adminUrl })
  for (const round of [1, 2]) {
    test.mock.timers.tick(tenMinutes)
    await setImmediate()
    assert.equal(told.length, round)
  }
  test.mock.timers.tick(tenMinutes)
  house.stop()
  await setImmediate()
  assert.deepEqual(told, ['the store is away', 'the store is away'])
})
