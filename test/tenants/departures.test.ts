import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { openDepartures } from '../../src/compose/departures.ts'

const never = new Promise<void>(() => undefined)

it('a tenant that is going is closed once nothing of it runs, or all is closed, and one comes in its place after that', async () => {
  const faults: unknown[] = []
  const departures = openDepartures((error) => faults.push(error))
  const closed: string[] = []
  const going = (name: string, finish: () => Promise<void>) => ({
    name,
    installation: { finish },
    close: async () => void closed.push(name),
  })
  const finished = Promise.withResolvers<void>()
  departures.add(going('acme', () => finished.promise))
  await setImmediate()
  assert.deepEqual(closed, [])
  finished.resolve()
  await departures.over('acme')
  assert.deepEqual(closed, ['acme'])
  departures.add(going('globex', () => never))
  departures.add({ ...going('hooli', () => never), close: () => Promise.reject(new Error('planted')) })
  await departures.close()
  assert.deepEqual(closed, ['acme', 'globex'])
  assert.match(String(faults), /planted/)
})
