import { collectDecisions } from '../../src/audit/report/collect.ts'
import { accessReviewPage } from '../../src/audit/report/page.ts'
import { pageChecks } from '../support/page-checks.ts'
import { someEvent } from '../support/trail.ts'

const { check } = pageChecks()

async function somePage(): Promise<string> {
  const collected = collectDecisions()
  const place = { v: 1, chain: 'c', seq: 1, prev: '', time: '2026-11-27T12:00:00.000Z' }
  collected.add({ ...someEvent('read'), clientId: 'inspector', ...place })
  collected.add({
    ...someEvent('write'),
    clientId: 'inspector',
    outcome: 'denied',
    code: 'object_denied',
    ...place,
  })
  const grant = { clientId: 'inspector', scopes: ['mcp:tools:execute'], grantedAt: 0 }
  const resource = 'https://mcp.example.com/a/long/path/that/does/not/fit/a/narrow/page/mcp'
  return accessReviewPage({
    publicUrl: 'https://mcp.example.com',
    madeAt: 0,
    users: [{ id: 'usr_0123456789', name: 'ada (Ada Lovelace)', state: 'active' }],
    clients: [],
    grants: [
      { ...grant, subject: 'ada', resource },
      { ...grant, subject: 'grace', resource },
    ],
    decisions: collected.result(),
    verification: 'The record was verified: nothing was changed, removed or moved.',
  })
}

check('the access review', async (page) => page.setContent(await somePage()))
