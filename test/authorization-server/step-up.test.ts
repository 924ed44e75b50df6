import assert from 'node:assert/strict'
import { it } from 'node:test'
import { stepUps } from '../../src/authorization-server/consent/step-up.ts'
import { masterSecret } from '../../src/core/secret.ts'
import { openStore } from '../../src/storage/open.ts'
import { movableClock } from '../support/movable-clock.ts'

it('scopes that a call lacked are for its client, user and server alone, for ten minutes or until they are forgotten', async (test) => {
  test.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const clock = movableClock()
  const secret = masterSecret(new Uint8Array(32).fill(1))
  const store = await openStore({ folder: undefined, secret, clock })
  test.after(() => store.close())
  const kept = stepUps(store.artifacts, clock)
  const need = {
    clientId: 'app',
    subject: 'ada',
    resource: 'https://x/mcp',
    grantName: 'g',
    scopes: ['b', 'a'],
  }
  const lacks = (client = 'app', subject = 'ada', resource = 'https://x/mcp') =>
    kept.neededScopes(client, subject, resource)
  assert.deepEqual(await lacks(), [])
  await kept.remember(need)
  assert.deepEqual(await lacks(), ['b', 'a'])
  for (const other of [
    await lacks('other'),
    await lacks('app', 'eve'),
    await lacks('app', 'ada', 'https://y/mcp'),
  ])
    assert.deepEqual(other, [])
  clock.advance(10 * 60_000 - 1000)
  assert.deepEqual(await lacks(), ['b', 'a'])
  clock.advance(1000)
  assert.deepEqual(await lacks(), [])
  await kept.remember(need)
  await kept.forget('app', 'ada')
  assert.deepEqual(await lacks(), [])
})
