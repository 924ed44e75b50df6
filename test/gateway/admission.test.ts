import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { after, before, describe, it } from 'node:test'
import type { Principal } from '../../src/core/principal.ts'
import { createAdmission } from '../../src/gateway/admission.ts'
import type { Upstream } from '../../src/gateway/upstream.ts'
import { countWith, inMemory } from '../../src/limits/count.ts'
import { type GatedSpy, legacyRequest, startGatedSpy } from '../support/gated-spy.ts'
import { echo } from '../support/spy-upstream.ts'

let gate: GatedSpy
before(async () => {
  gate = await startGatedSpy({ limits: { running: 3 } })
})
after(() => gate.close())

const list = legacyRequest('tools/list')

describe('requests of one caller that run at a time', () => {
  it('have a limit, which is no limit for others and ends with them (A36)', async () => {
    const [mine, theirs] = [await gate.tokenFor('mcp:*'), await gate.tokenFor('mcp:*')]
    const release: (() => void)[] = []
    const { promise: threeRun, resolve } = Promise.withResolvers<void>()
    gate.spy.answerWith((request, res) => {
      release.push(() => echo(request, res))
      if (release.length === 3) resolve()
    })
    const running = [1, 2, 3].map(() => gate.post(list, { token: mine }))
    await threeRun
    gate.spy.answerWith(echo)

    const refused = await gate.post(list, { token: mine })
    assert.equal(refused.status, 503)
    assert.equal(refused.json.error?.data['code'], 'too_many_requests')
    assert.equal(refused.headers.get('retry-after'), '1')
    assert.equal((await gate.post(list, { token: theirs })).status, 200)

    for (const one of release) one()
    assert.deepEqual(
      (await Promise.all(running)).map(({ status }) => status),
      [200, 200, 200],
    )
    assert.equal((await gate.post(list, { token: mine })).status, 200)
  })
})

describe('a place', () => {
  const principal = { issuer: 'i', subject: 's', clientId: 'c' } as Principal
  const upstream = {
    name: 'u',
    limits: { running: 9, streams: 9, toolsPerMinute: {} },
  } as unknown as Upstream
  const answer = (closed: boolean) =>
    Object.assign(new EventEmitter(), { closed }) as unknown as ServerResponse

  it('is not taken for an answer that is over, which would hold it for ever (A36)', () => {
    const admission = createAdmission({ running: 1, streams: 1 }, countWith(inMemory))
    assert.throws(() => admission.enter(principal, upstream, answer(true)), { code: 'request_aborted' })
    const running = answer(false)
    void admission.enter(principal, upstream, running)
    assert.throws(() => admission.enter(principal, upstream, answer(false)), { code: 'too_many_requests' })
    running.emit('close')
    void admission.enter(principal, upstream, answer(false))
  })
})
