import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RecordedEvent } from '../../src/audit/event.ts'
import { collectDecisions } from '../../src/audit/report/collect.ts'
import { accessReviewPage } from '../../src/audit/report/page.ts'
import { partOf, rowsOf, someReview } from '../support/review.ts'

const collect = (...events: RecordedEvent[]) => {
  const collected = collectDecisions('https://mcp.example.com')
  for (const one of events) collected.add(one)
  return collected.result()
}

describe('the failures of a review', () => {
  it('are told apart by their reasons, of which nobody can make up too many', async () => {
    const failed = (reason: string, facts: Partial<RecordedEvent> = {}): RecordedEvent => ({
      v: 1,
      chain: 'c',
      seq: 1,
      prev: '',
      time: '2026-11-27T12:00:00.000Z',
      event: 'admin.user',
      outcome: 'failed',
      reason,
      ...facts,
    })
    const token = (reason: string) => failed(reason, { event: 'oauth.token', code: 'invalid_client' })
    const decisions = collect(
      failed('ada is there already'),
      failed('ada is there already'),
      failed('there is no bob'),
      failed('token_invalid', { event: 'mcp.call', code: 'token_invalid' }),
      failed('needs a', { event: 'mcp.call', code: 'scope_insufficient', missing: ['a'] }),
      ...Array.from({ length: 500 }, (_, n) => token(`no client made-up-${n}`)),
      token('x'.repeat(5000)),
      failed('the disk is full'),
    )
    const rows = rowsOf(await accessReviewPage(someReview({ decisions })), 'Failures').map((row) =>
      row.slice(0, 4),
    )
    for (const row of [
      ['admin.user', 'failed', 'ada is there already', '2'],
      ['admin.user', 'failed', 'there is no bob', '1'],
      ['admin.user', 'failed', 'the disk is full', '1'],
      ['mcp.call', 'failed', 'token_invalid', '1'],
      ['mcp.call', 'failed', 'scope_insufficient a', '1'],
      ['oauth.token', 'failed', 'invalid_client: no client made-up-0', '1'],
      ['oauth.token', 'failed', 'invalid_client: (others)', '481'],
    ])
      assert.ok(
        rows.some((one) => one.join() === row.join()),
        row.join(),
      )
    assert.equal(rows.length, 26)
    const [long] = collect(failed('x'.repeat(5000))).failures
    assert.ok((long?.why.length ?? 0) < 300)
  })
})

it('a review says how many commands it does not list', async () => {
  const command: RecordedEvent = {
    v: 1,
    chain: 'c',
    seq: 1,
    prev: '',
    time: '2026-11-27T12:00:00.000Z',
    event: 'admin.client',
    outcome: 'allowed',
    operator: 'root',
    action: 'client add',
  }
  const decisions = collect(...Array.from({ length: 10_003 }, () => command))
  assert.equal(decisions.commands.length, 10_000)
  const page = await accessReviewPage(someReview({ decisions }))
  assert.match(partOf(page, 'Commands'), /There are 3 more than are listed here/)
})

it('a review shows what strangers named without what turns it round (A49)', async () => {
  const called: RecordedEvent = {
    v: 1,
    chain: 'c',
    seq: 1,
    prev: '',
    time: '2026-11-27T12:00:00.000Z',
    event: 'mcp.call',
    outcome: 'allowed',
    subject: 'ada',
    clientId: 'inspector',
    upstream: 'files',
    method: 'tools/call',
    object: `\u202Eelif_eteled\u2028${'x'.repeat(4000)}`,
  }
  const [row] = rowsOf(await accessReviewPage(someReview({ decisions: collect(called) })), 'Who did what')
  assert.equal(row?.[3], `tools/call elif_eteled${'x'.repeat(4000)}`)
})
