import assert from 'node:assert/strict'
import { it } from 'node:test'
import { alice, startFederation } from '../support/federation.ts'
import { openPeople } from '../support/people.ts'

it('people are listed by an address only where their provider has proven it, else by the subject there', async (t) => {
  const federation = await startFederation()
  t.after(() => federation.close())
  const claimed = { name: 'chief@example.com', email: 'chief@example.com' }
  const persons = [
    alice,
    { sub: 'mallory', ...claimed, email_verified: false },
    { sub: 'trudy', ...claimed, email_verified: 'true' },
    { sub: 'eve', ...claimed },
  ]
  for (const person of persons) {
    Object.assign(federation.first, { person })
    await federation.signIn()
  }
  const people = await openPeople(federation.installation, federation.clock)
  t.after(() => people.close())
  const names = (await people.list()).map(({ name }) => name)
  assert.deepEqual(names.toSorted(), ['first:alice@example.com', 'first:eve', 'first:mallory', 'first:trudy'])
})
