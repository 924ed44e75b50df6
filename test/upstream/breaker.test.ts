import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import type { Dispatcher } from 'undici'
import { type ErrorCode, Refusal } from '../../src/core/errors.ts'
import { errors } from '../../src/http/undici.ts'
import { breaker } from '../../src/upstream/breaker.ts'
import type { Connector, UpstreamRequest } from '../../src/upstream/contract.ts'
import { httpConnector } from '../../src/upstream/http.ts'
import { movableClock } from '../support/movable-clock.ts'

const of = (person: string): UpstreamRequest => ({ principal: person }) as UpstreamRequest
const request = of('somebody')
/** One whose client leaves before anything is known. */
const left = { ...request, method: 'GET' } as UpstreamRequest
const notification = { ...request, method: 'POST' } as UpstreamRequest
/** Here a person has one client. */
const personOf = (principal: string): string => principal
const reply = { res: {} as ServerResponse, accept: (status: number) => ({ status, headers: [] }) }

/** A server that is there or not, behind a breaker that rests after three failures, for ten seconds. */
function brokenServer(failure: ErrorCode | number = 'upstream_unreachable') {
  const clock = movableClock()
  const changes: string[] = []
  const server = { isUp: false, asked: 0 }
  const connector: Connector = {
    async send(asked, { accept }) {
      server.asked++
      if (asked === left) return
      if (server.isUp) accept(asked.method === 'POST' && asked.id === undefined ? 202 : 200, {})
      else if (typeof failure === 'number') accept(failure, {})
      else throw new Refusal(failure)
    },
    close: async () => {},
  }
  const spared = breaker(connector, {
    failures: 3,
    restSeconds: 10,
    clock,
    onChange: (state) => changes.push(state),
    personOf,
  })
  const ask = async (asked = request): Promise<string> => {
    try {
      await spared.send(asked, reply)
      return 'answered'
    } catch (error) {
      assert.ok(error instanceof Refusal)
      return error.code
    }
  }
  return { server, clock, changes, ask }
}

describe('a server that cannot be reached, when the clock is set back (A72)', () => {
  it('is tried again at once, and not when the clock is there again', async () => {
    const { server, clock, ask } = brokenServer()
    for (let n = 0; n < 3; n++) await ask()
    assert.equal(await ask(), 'upstream_resting')
    server.isUp = true
    clock.advance(-3_600_000)
    assert.equal(await ask(), 'answered')
  })
})

describe('a server that cannot be reached (A71)', () => {
  for (const failure of [
    'upstream_unreachable',
    'upstream_interrupted',
    'upstream_timeout',
    502,
    503,
    504,
  ] as const) {
    const opened = failure === 'upstream_unreachable' ? 'open' : 'open for one'
    it(`is left alone for a while after ${failure} three times`, async () => {
      const { server, clock, changes, ask } = brokenServer(failure)
      for (let n = 0; n < 3; n++) assert.notEqual(await ask(), 'upstream_resting')
      assert.equal(await ask(), 'upstream_resting')
      assert.equal(server.asked, 3)
      assert.deepEqual(changes, [opened])
      clock.advance(10_000)
      assert.notEqual(await ask(), 'upstream_resting', 'one request finds out')
      assert.equal(await ask(), 'upstream_resting', 'and the others wait')
      assert.equal(server.asked, 4)
      server.isUp = true
      clock.advance(10_000)
      assert.equal(await ask(), 'answered')
      assert.equal(await ask(), 'answered')
      assert.deepEqual(changes, [opened, 'closed'])
    })
  }

  it('is left alone by one person where only what they ask stays unanswered, and by all where it is not they (A36)', async () => {
    for (const failure of ['upstream_timeout', 'upstream_interrupted', 504] as const) {
      const { server, clock, changes, ask } = brokenServer(failure)
      for (let n = 0; n < 3; n++) await ask(of('one'))
      assert.equal(await ask(of('one')), 'upstream_resting')
      server.isUp = true
      assert.equal(await ask(of('other')), 'answered')
      assert.equal(await ask(of('one')), 'answered')
      assert.deepEqual(changes.splice(0), ['open for one', 'closed'])
      server.isUp = false
      for (let n = 0; n < 3; n++) await ask(of('one'))
      clock.advance(10_000)
      await ask(of('one'))
      assert.notEqual(await ask(of('other')), 'upstream_resting')
      assert.equal(await ask(of('other')), 'upstream_resting')
      assert.equal(await ask(of('third')), 'upstream_resting')
      assert.deepEqual(changes, ['open for one', 'open'], 'the operator learns which')
    }
    const { ask } = brokenServer('upstream_unreachable')
    for (let n = 0; n < 3; n++) await ask(of('one'))
    assert.equal(await ask(of('other')), 'upstream_resting')
  })

  it('is asked on where successes stand between failures, where it says no itself, or where the gateway failed', async () => {
    const { server, ask } = brokenServer()
    for (let n = 0; n < 10; n++) {
      server.isUp = n % 3 === 0
      assert.notEqual(await ask(), 'upstream_resting')
    }
    for (const failure of [500, 'upstream_invalid', 'upstream_refused', 'gateway_interrupted'] as const) {
      const saying = brokenServer(failure)
      for (let n = 0; n < 10; n++) assert.notEqual(await saying.ask(), 'upstream_resting')
    }
  })

  it('is asked on where it ends all streams that it has begun at once', async () => {
    const { promise: ended, reject: end } = Promise.withResolvers<void>()
    const connector: Connector = {
      async send(_request, { accept }) {
        accept(200, {})
        await ended
      },
      close: async () => {},
    }
    const onChange = (): void => assert.fail('it is there')
    const spared = breaker(connector, {
      failures: 3,
      restSeconds: 10,
      clock: movableClock(),
      onChange,
      personOf,
    })
    const streams = Array.from({ length: 5 }, () => spared.send(request, reply))
    end(new Refusal('upstream_unreachable'))
    for (const stream of [...streams, spared.send(request, reply)])
      await assert.rejects(stream, { code: 'upstream_unreachable' })
  })

  it('is tried until something is known, whoever notifies it or leaves meanwhile (A36, A71)', async () => {
    const { server, clock, changes, ask } = brokenServer()
    for (let n = 0; n < 3; n++) await ask()
    server.isUp = true
    assert.equal(await ask(notification), 'upstream_resting')
    clock.advance(10_000)
    for (const asked of [notification, left, notification]) assert.equal(await ask(asked), 'answered')
    assert.deepEqual(changes, ['open'])
    assert.equal(await ask(), 'answered')
    assert.deepEqual(changes, ['open', 'closed'])
  })

  it('rests on where a notification finds it still away (A71)', async () => {
    const { server, clock, ask } = brokenServer()
    for (let n = 0; n < 3; n++) await ask()
    clock.advance(10_000)
    assert.equal(await ask(notification), 'upstream_unreachable')
    assert.equal(await ask(), 'upstream_resting')
    assert.equal(server.asked, 4)
  })

  it('is left alone also where clients cancel what they asked it, which nobody passes on (A71)', async () => {
    const dispatcher = {
      dispatch: (_options: object, handler: Required<Dispatcher.DispatchHandler>) =>
        handler.onResponseError({} as never, new errors.SocketError()),
    } as unknown as Dispatcher
    const server = httpConnector({ url: 'http://127.0.0.1:9/mcp', dispatcher })
    const changes: string[] = []
    const spared = breaker(server, {
      failures: 3,
      restSeconds: 10,
      clock: movableClock(),
      onChange: (state) => changes.push(state),
      personOf,
    })
    const ask = (cancels: boolean): Promise<unknown> => {
      const res = { on() {}, writeHead: () => res, end() {} } as unknown as ServerResponse
      const asked = { ...notification, headers: [], body: Buffer.from('{}'), cancels }
      return spared.send(asked, { ...reply, res })
    }
    for (let n = 0; n < 3; n++) {
      await assert.rejects(ask(false), { code: 'upstream_interrupted' })
      await ask(true).catch(() => undefined)
    }
    await assert.rejects(ask(false), { code: 'upstream_resting' })
    assert.deepEqual(changes, ['open for one'])
  })

  it('is tried again after each rest, also while a try is waited for', async () => {
    const clock = movableClock()
    let asked = 0
    const hangs: Connector = {
      send: () => (++asked <= 1 ? Promise.reject(new Refusal('upstream_timeout')) : new Promise(() => {})),
      close: async () => {},
    }
    const spared = breaker(hangs, { failures: 1, restSeconds: 10, clock, onChange() {}, personOf })
    await assert.rejects(spared.send(request, reply))
    for (const expected of [2, 3]) {
      clock.advance(10_000)
      void spared.send(request, reply)
      await assert.rejects(spared.send(request, reply), { code: 'upstream_resting' })
      assert.equal(asked, expected)
    }
  })
})
