import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { DashboardAccess } from '../../src/admin/access-contract.ts'
import type { AuditEvent } from '../../src/audit/event.ts'
import { recordAccess } from '../../src/compose/dashboard/record-access.ts'
import { recordActions } from '../../src/compose/dashboard/record-actions.ts'
import { Refusal } from '../../src/core/errors.ts'
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

const never = () => assert.fail('nothing may be done')
const listing = { title: 'Users', path: '/users', about: '', columns: [], rows: never }

it('an operator does nothing of which there can be no event, where the audit requires one (N34)', async () => {
  const recorder = {
    check: () => {
      throw new Refusal('audit_unavailable')
    },
    commit: never,
    record: never,
  }
  const disable = { label: '', consequence: '', act: never }
  const { actions } = recordActions({ ...listing, actions: { disable } }, recorder)
  const access = recordAccess(
    { createLinkToken: never, enter: never } as unknown as DashboardAccess,
    recorder,
  )
  for (const attempt of [
    () => actions['disable']?.act('usr_ada', 'root'),
    () => access.createLinkToken('root'),
    () => access.enter('a link', undefined),
  ])
    await assert.rejects(async () => attempt(), Refusal)
})

it('the audit of the dashboard holds nothing that could be a secret, whatever a form says (A14)', async () => {
  const events: AuditEvent[] = []
  const recorder = {
    check: () => undefined,
    commit: (event: AuditEvent) => void events.push(event),
    record: never,
  }
  const secret = 's'.repeat(43)
  const act = () => Promise.reject(new Error(`token=${secret}`))
  const { actions } = recordActions(
    { ...listing, actions: { disable: { label: '', consequence: '', act } } },
    recorder,
  )
  await assert.rejects(async () => actions['disable']?.act(secret, 'root'))
  assert.deepEqual(events, [
    {
      event: 'admin.user',
      operator: 'root',
      action: 'dashboard users disable',
      target: '[redacted]',
      outcome: 'failed',
      reason: 'token=[redacted]',
    },
  ])
})

it('what is done is recorded once, and not as failed as well where its event has to wait (N34)', async () => {
  const outcomes: string[] = []
  const recorder = {
    check: () => undefined,
    commit({ outcome }: AuditEvent) {
      outcomes.push(outcome)
      throw new Refusal('audit_unavailable')
    },
    record: never,
  }
  const disable = { label: '', consequence: '', act: async () => 'disabled' }
  const { actions } = recordActions({ ...listing, actions: { disable } }, recorder)
  await assert.rejects(async () => actions['disable']?.act('usr_ada', 'root'), Refusal)
  assert.deepEqual(outcomes, ['allowed'])
})
