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
import { until } from '../support/until.ts'

let gate: GatedSpy
before(async () => {
  gate = await startGatedSpy({ limits: { running: 3 } }, undefined, { responseSeconds: 30 })
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

/** Waits until the gate has seen clients leave. */
function untilLeft(count: number): Promise<void> {
  const seen = (): number => gate.installation.log().split('"status":499').length - 1
  return until(() => seen() === count, `${count} clients have left`)
}

/** Asks until there is a place again. */
function askAgain(ask: () => Promise<{ readonly status: number }>): Promise<void> {
  return until(async () => {
    const { status } = await ask()
    assert.ok(status === 200 || status === 503, String(status))
    return status === 200
  }, 'the place is free again')
}

describe('requests of the legacy era whose client has left', { timeout: 30_000 }, () => {
  it('run, and count, until the server is done with them (A36, A37)', async () => {
    const token = await gate.tokenFor('mcp:*')
    const release: (() => void)[] = []
    const { promise: threeRun, resolve } = Promise.withResolvers<void>()
    gate.spy.answerWith((request, res) => {
      release.push(() => echo(request, res))
      if (release.length === 3) resolve()
    })
    const left = new AbortController()
    const send = (signal?: AbortSignal): Promise<Response> =>
      fetch(gate.installation.mcpUrl, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(list),
        ...(signal === undefined ? {} : { signal }),
      })
    const running = [1, 2, 3].map(() => assert.rejects(send(left.signal)))
    await threeRun
    left.abort()
    await Promise.all(running)
    await untilLeft(3)
    gate.spy.answerWith(echo)
    assert.equal((await send()).status, 503)
    for (const one of release) one()
    await askAgain(() => send())
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

  it('is held on for a request that outlasts its client, and not for ever (A36)', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const admission = createAdmission({ running: 1, streams: 1 }, countWith(inMemory))
    const leave = async (over: Promise<void>): Promise<void> => {
      const left = answer(false)
      const place = await admission.enter(principal, upstream, left)
      left.emit('close')
      place.outlast(over)
      assert.throws(() => admission.enter(principal, upstream, answer(false)), { code: 'too_many_requests' })
    }
    await leave(Promise.resolve())
    await leave(new Promise(() => {}))
    test.mock.timers.tick(5 * 60_000)
    void admission.enter(principal, upstream, answer(false))
  })
})
