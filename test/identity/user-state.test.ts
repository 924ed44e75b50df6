import assert from 'node:assert/strict'
import { it } from 'node:test'
import { signsInAt, userState } from '../../src/identity/user-state.ts'

it('the state of a user: invited is nobody who signs in at a provider', () => {
  for (const [provider, passwordHash, disabledAt, state, at] of [
    [undefined, 'hash', undefined, 'active', 'here'],
    [undefined, undefined, undefined, 'invited', 'here'],
    [undefined, undefined, 1, 'disabled', 'here'],
    ['company', undefined, undefined, 'active', 'company'],
    ['company', undefined, 1, 'disabled', 'company'],
  ] as const) {
    const user = { provider, passwordHash, disabledAt }
    assert.deepEqual([userState(user), signsInAt(user)], [state, at], JSON.stringify(user))
  }
})
