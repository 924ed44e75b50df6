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

it('somebody in as many groups and roles as are let in has a token that fits into a header, in any script', async (t) => {
  const federation = await startFederation()
  t.after(() => federation.close())
  const { first, installation } = federation
  const named = (name: string, most: number): string[] =>
    Array.from({ length: most }, (_, index) => `${name}${index}`)
  for (const name of ['group-', '部門営業']) {
    const callWith = async (most: number): Promise<number | undefined> => {
      first.person = { ...alice, sub: `${name}${most}`, groups: named(name, most), roles: named(name, most) }
      const tokens = await federation.signIn().catch(() => undefined)
      if (tokens === undefined) return undefined
      const authorization = `Bearer ${tokens.access_token}`
      return (await fetch(installation.mcpUrl, { method: 'POST', headers: { authorization } })).status
    }
    let [fits, tooMany] = [0, 2000]
    while (tooMany - fits > 1) {
      const most = Math.floor((fits + tooMany) / 2)
      const status = await callWith(most)
      assert.notEqual(status, 431, `${most} times ${name}`)
      if (status === undefined) tooMany = most
      else fits = most
    }
    assert.ok(fits > 200, `${fits} times ${name}`)
  }
})
