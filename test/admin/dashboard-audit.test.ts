import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openDashboard } from '../support/dashboard-visitor.ts'
import { startInstallation } from '../support/installation.ts'

it('the audit knows who opens the dashboard, what they do, who is refused and who leaves (N34)', async (test) => {
  const installation = await startInstallation()
  test.after(() => installation.close())
  const link = await installation.dashboardLink()
  const operator = await openDashboard(link)
  await assert.rejects(openDashboard(link))
  await fetch(link, { method: 'POST', headers: { origin: 'http://evil.example' } })
  const page = await (await operator.get('/keys')).text()
  const id = /name="id" value="([^"]+)"/.exec(page)?.[1] ?? ''
  assert.equal((await operator.post('/keys/rotate', { id, csrf: 'guessed' })).status, 403)
  assert.equal((await operator.post('/keys/rotate', { id })).status, 200)
  assert.equal((await operator.post('/clients/remove', { id: 'unknown' })).status, 409)
  await operator.post('/sign-out', {})
  const all = await installation.audit()
  assert.deepEqual(
    all.map(({ event, action, outcome, operator: who, address }) => [
      `${event}: ${action} ${outcome}`,
      who,
      address,
    ]),
    [
      ['admin.access: dashboard link allowed', 'start', undefined],
      ['admin.access: dashboard sign-in allowed', 'start', '127.0.0.1'],
      ['admin.access: dashboard sign-in denied', undefined, '127.0.0.1'],
      ['admin.access: dashboard form denied', undefined, '127.0.0.1'],
      ['admin.access: dashboard form denied', 'start', '127.0.0.1'],
      ['admin.key: dashboard keys rotate allowed', 'start', undefined],
      ['admin.client: dashboard clients remove failed', 'start', undefined],
      ['admin.access: dashboard sign-out allowed', 'start', '127.0.0.1'],
    ],
  )
  assert.ok(!JSON.stringify(all).includes(new URL(link).pathname.slice('/sign-in/'.length)))
})
