import assert from 'node:assert/strict'
import { it } from 'node:test'
import { outcomes, type RecordedEvent } from '../../src/audit/event.ts'
import { writeOcsf } from '../../src/audit/write-ocsf.ts'

const written = (facts: Partial<RecordedEvent>) =>
  writeOcsf(
    { v: 1, chain: 'c', seq: 1, prev: '', time: '2026-11-27T12:00:00.000Z', event: 'mcp.call', ...facts },
    '1.0.0',
  ) as {
    activity_id: number
    severity_id: number
    status_code?: string
    actor: { app_name: string; user?: { name: string } }
    entity: { name: string }
    http_request?: object
    resources?: object
    unmapped: { httpMethod?: string }
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

it('an OCSF object says what a call did and to what, and how it came as far as OCSF knows', () => {
  const [create, remove, other] = [1, 4, 99]
  for (const [method, activity] of [
    ['resources/subscribe', create],
    ['subscriptions/listen', create],
    ['resources/unsubscribe', remove],
    ['tasks/cancel', remove],
    ['logging/setLevel', other],
  ] as const) {
    const told = written({ method, object: 'file:///a' })
    assert.deepEqual([told.activity_id, told.resources], [activity, [{ name: 'file:///a', type: method }]])
  }
  assert.equal(written({ method: 'ping' }).resources, undefined)
  for (const [facts, request, unmapped] of [
    [{ httpMethod: 'POST', path: '/mcp' }, { http_method: 'POST', url: { path: '/mcp' } }, undefined],
    [{ httpMethod: 'GET' }, { http_method: 'GET', url: undefined }, undefined],
    [{ httpMethod: 'PURGE', path: '/' }, { http_method: undefined, url: { path: '/' } }, 'PURGE'],
    [{ httpMethod: 'PURGE' }, undefined, 'PURGE'],
    [{}, undefined, undefined],
  ] as const) {
    const told = written(facts)
    assert.deepEqual([told.http_request, told.unmapped.httpMethod], [request, unmapped])
  }
})
