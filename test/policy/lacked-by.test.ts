import assert from 'node:assert/strict'
import { it } from 'node:test'
import { policiesOf } from '../support/policies.ts'
import { principalOf } from '../support/principal.ts'

it('the groups and roles that a caller lacks are those of permits, and none that the configuration gives', () => {
  const policies = policiesOf(
    `
    permit(principal in Role::"reader", action, resource);
    permit(principal in Role::"reader", action, resource) when { principal in Group::"staff" };
    permit(principal in Role::"admin", action, resource);
    forbid(principal in Group::"suspended", action, resource);`,
    { reader: { users: [], groups: ['analysts'], clients: [] } },
  )
  const lacked = (groups: string[], roles: string[] = []): string[] =>
    policies.lackedBy(principalOf({ groups, roles })).map(({ type, id }) => `${type} ${id}`)
  assert.deepEqual(lacked([]), ['Role reader', 'Group staff', 'Role admin'])
  assert.deepEqual(lacked(['analysts']), ['Group staff', 'Role admin'])
  assert.deepEqual(lacked(['analysts', 'staff'], ['admin']), [])
})
