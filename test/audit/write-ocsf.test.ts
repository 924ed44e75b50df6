import assert from 'node:assert/strict'
import { it } from 'node:test'
import { outcomes, type RecordedEvent } from '../../src/audit/event.ts'
import { writeOcsf } from '../../src/audit/write-ocsf.ts'

const written = (facts: Partial<RecordedEvent>) =>
  writeOcsf(
    { v: 1, chain: 'c', seq: 1, prev: '', time: '2026-11-27T12:00:00.000Z', event: 'mcp.call', ...facts },
    '1.0.0',
  ) as {
    severity_id: number
    status_code?: string
    actor: { app_name: string; user?: { name: string } }
    entity: { name: string }
  }

it('an OCSF object has the status of an answer as its code where there is no other', () => {
  assert.equal(written({ status: 404 }).status_code, '404')
  assert.equal(written({ status: 404, code: 'not_found' }).status_code, 'not_found')
  assert.equal(written({}).status_code, undefined)
})

it('an OCSF object is as severe as its outcome, and names who did it, and to what', () => {
  const levels = { allowed: 1, challenged: 1, limited: 2, denied: 2, failed: 3 }
  assert.deepEqual(
    Object.fromEntries(outcomes.map((outcome) => [outcome, written({ outcome }).severity_id])),
    levels,
  )
  for (const [facts, app, person, entity] of [
    [{ event: 'admin.user', operator: 'root', target: 'bob', subject: 'eve' }, 'portcullis', 'root', 'bob'],
    [{ event: 'oauth.consent', subject: 'ada', clientId: 'inspector' }, 'inspector', 'ada', 'inspector'],
    [{ event: 'account.change', subject: 'ada' }, 'unknown', 'ada', 'ada'],
    [{ event: 'oauth.registration' }, 'unknown', undefined, 'unknown'],
  ] as const) {
    const told = written(facts)
    assert.deepEqual(
      [told.actor.app_name, told.actor.user?.name, told.entity.name],
      [app, person, entity],
      facts.event,
    )
  }
})
