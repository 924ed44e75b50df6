import assert from 'node:assert/strict'
import { it } from 'node:test'
import { storedSuccessors } from '../../src/compose/successors.ts'
import { openStore } from '../../src/storage/open.ts'
import { testSecret } from '../support/engines.ts'
import { movableClock } from '../support/movable-clock.ts'

it('which session replaces which is settled once, for one server and one principal, until it does not matter (N31)', async (test) => {
  const clock = movableClock()
  const store = await openStore({ folder: undefined, secret: testSecret, clock })
  test.after(() => store.close())
  const files = storedSuccessors(store.artifacts, 'files')
  const mail = storedSuccessors(store.artifacts, 'mail')
  const held = { principal: 'ada', session: 'first' }
  const until = clock.now() + 60_000
  assert.equal(await files.find(held), undefined)
  const settled = await Promise.all(['a', 'b'].map((session) => files.settle(held, { session }, until)))
  assert.deepEqual(new Set(settled), new Set([false, true]))
  assert.deepEqual(await files.find(held), { session: settled[0] === true ? 'a' : 'b' })

  for (const other of [
    { ...held, principal: 'eve' },
    { ...held, session: 'second' },
  ])
    assert.equal(await files.find(other), undefined)
  assert.equal(await mail.find(held), undefined)
  assert.equal(await mail.settle(held, 'none', until), true)
  assert.equal(await mail.find(held), 'none')

  await store.artifacts.sweep(until - 1)
  assert.notEqual(await files.find(held), undefined)
  await store.artifacts.sweep(until + 1)
  assert.equal(await files.find(held), undefined)
})
