import assert from 'node:assert/strict'
import { it } from 'node:test'
import { accessReviewPage } from '../../src/audit/report/page.ts'
import { reviewPolicies, reviewPolicyMode, reviewRoles } from '../../src/compose/access-review/policies.ts'
import { loadConfig } from '../../src/config/load.ts'
import { policyFile } from '../support/policies.ts'
import { partOf, rowsOf, someReview } from '../support/review.ts'

it('an access review lists the policies, and who has their roles', async () => {
  const file = policyFile(`// one
    @id("staff") permit (principal in Role::"editor", action, resource)
    when { principal.client == "a" }; // of them
    forbid (principal == User::"<b>", action, resource);`)
  const upstreams = [{ name: 'files', url: 'http://127.0.0.1:9/mcp' }]
  const roles = { editor: { users: ['usr_1'], groups: ['staff', 'ops'] } }
  const config = loadConfig({ base: { upstreams, policies: [file], roles } })
  const page = await accessReviewPage(
    someReview({
      policies: reviewPolicies(config),
      policyMode: reviewPolicyMode(config),
      roles: reviewRoles(config),
    }),
  )
  const rows = rowsOf(page, 'Policies').map((row) => row.map((cell) => cell.replaceAll('&quot;', '"')))
  assert.deepEqual(rows, [
    [
      'staff',
      `${file}:2:5`,
      'permit',
      '@id("staff") permit(principal in Role::"editor", action, resource) when { principal.client == "a" };',
    ],
    [`${file}:4:5`, `${file}:4:5`, 'forbid', 'forbid(principal == User::"&lt;b&gt;", action, resource);'],
  ])
  assert.deepEqual(rowsOf(page, 'Roles'), [['editor', 'usr_1', 'staff, ops', '']])
  assert.match(partOf(page, 'Policies'), /Nothing may be used that none permits/)
  assert.match(reviewPolicyMode(loadConfig({ base: { upstreams } })), /There are none/)
  const reported = loadConfig({ base: { upstreams, policies: [file], policyMode: 'report' } })
  assert.match(reviewPolicyMode(reported), /decide nothing yet/)
})
