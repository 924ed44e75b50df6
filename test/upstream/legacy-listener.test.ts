import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { post } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { modernScript, type ScriptedGate, startScripted } from '../support/scripted-upstream.ts'
import { until } from '../support/until.ts'

const subscriptionKey = 'io.modelcontextprotocol/subscriptionId'

interface Said {
  readonly method: string
  readonly params?: object
}

/** A `subscriptions/listen` stream that the gateway holds open at the server. */
interface Subscription {
  readonly filter: Record<string, unknown>
  readonly say: (message: Said) => void
  closed: boolean
}

interface Setup {
  readonly gate: ScriptedGate
  readonly subscriptions: Subscription[]
  /** The session of a legacy client. */
  readonly id: string
  readonly send: (method: string, params?: object) => Promise<unknown>
  /** Opens the stream of the session. */
  readonly listen: () => Promise<{ heard: () => unknown[]; isOver: () => boolean; leave: () => void }>
}

/** `answers` says what becomes of each subscription, by how many came before it; all others are acknowledged. */
async function setUp(
  test: TestContext,
  settings: { idleSeconds?: number } = {},
  answers: Readonly<Record<number, 'refused' | 'unanswered'>> = {},
): Promise<Setup> {
  const gate = await startScripted(modernScript, { era: 'modern', ...settings })
  test.after(() => gate.close())
  const subscriptions: Subscription[] = []
  let asked = 0
  gate.spy.answerWith(
    ((answer) => (request, res) => {
      if (!request.body.includes('"subscriptions/listen"')) return answer(request, res)
      const { id, params } = JSON.parse(request.body) as {
        id: unknown
        params: { notifications: Record<string, unknown> }
      }
      const becomes = answers[asked++]
      if (becomes === 'refused') {
        const error = { code: -32603, message: 'not now' }
        res.writeHead(200, { 'content-type': 'application/json' })
        return res.end(JSON.stringify({ jsonrpc: '2.0', id, error }))
      }
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      const subscription: Subscription = {
        filter: params.notifications,
        closed: false,
        say(message) {
          const stamped = {
            jsonrpc: '2.0',
            ...message,
            params: { ...message.params, _meta: { [subscriptionKey]: id } },
          }
          res.write(`data: ${JSON.stringify(stamped)}\n\n`)
        },
      }
      res.on('close', () => {
        subscription.closed = true
      })
      subscriptions.push(subscription)
      const { notifications } = params
      if (becomes === 'unanswered') return undefined
      subscription.say({ method: 'notifications/subscriptions/acknowledged', params: { notifications } })
      return undefined
    })(gate.spy.answer),
  )
  const token = await gate.token('ada')
  const opening = {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'old', version: '2' },
  }
  const opened = await post(gate.url, token, legacyRequest('initialize', opening))
  const id = opened.headers.get('mcp-session-id') ?? ''
  return {
    gate,
    subscriptions,
    id,
    async send(method, params = {}) {
      const answer = await post(gate.url, token, legacyRequest(method, params), {
        headers: { 'mcp-session-id': id },
      })
      return answer.messages[0]?.result
    },
    async listen() {
      const abort = new AbortController()
      const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream', 'mcp-session-id': id }
      const response = await fetch(gate.url, { headers, signal: abort.signal })
      assert.equal(response.status, 200)
      let text = ''
      let over = false
      void (async () => {
        for await (const chunk of response.body!) text += Buffer.from(chunk).toString()
      })()
        .catch(() => {})
        .finally(() => (over = true))
      return {
        heard: () => [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data as string)),
        isOver: () => over,
        leave: () => abort.abort(),
      }
    },
  }
}

const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: {} }

describe('the stream of a legacy client of a modern server', () => {
  it('tells of every change, and of the resources that the client subscribed to (O16)', async (test) => {
    const { subscriptions, send, listen } = await setUp(test)
    const { heard, leave } = await listen()
    await until(() => subscriptions.length === 1)
    assert.deepEqual(subscriptions[0]?.filter, { toolsListChanged: true })
    assert.deepEqual(await send('resources/subscribe', { uri: 'test:///a' }), {})
    await until(() => subscriptions[0]?.closed === true)
    const both = { toolsListChanged: true, resourceSubscriptions: ['test:///a'] }
    assert.deepEqual(subscriptions[1]?.filter, both)
    const updated = { method: 'notifications/resources/updated', params: { uri: 'test:///a' } }
    subscriptions[1]?.say(updated)
    subscriptions[1]?.say({ method: changed.method })
    await until(() => heard().length === 2)
    assert.deepEqual(heard(), [{ jsonrpc: '2.0', ...updated }, changed])
    await send('resources/unsubscribe', { uri: 'test:///a' })
    assert.deepEqual(subscriptions[2]?.filter, { toolsListChanged: true })
    leave()
    await until(() => subscriptions.every(({ closed }) => closed))
  })

  it('goes on to tell when its client has asked for nothing in a long time', async (test) => {
    const { subscriptions, send, listen } = await setUp(test, { idleSeconds: 2 })
    await send('resources/subscribe', { uri: 'test:///a' })
    const { heard } = await listen()
    await until(() => subscriptions.length === 1)
    await wait(2500)
    assert.equal(subscriptions[0]?.closed, false)
    subscriptions[0]?.say({ method: changed.method })
    await until(() => heard().length === 1)
    assert.deepEqual(subscriptions[0]?.filter['resourceSubscriptions'], ['test:///a'])
  })

  it('may be one of several, of which the last hears all, and another one when that is gone', async (test) => {
    const { subscriptions, listen } = await setUp(test)
    const first = await listen()
    await until(() => subscriptions.length === 1)
    const second = await listen()
    subscriptions[0]?.say({ method: changed.method })
    await until(() => second.heard().length === 1)
    second.leave()
    await until(() => {
      subscriptions[0]?.say({ method: changed.method })
      return first.heard().length > 0
    })
    assert.equal(first.isOver(), false)
    assert.equal(subscriptions.length, 1, 'the server tells it once')
    assert.equal(subscriptions[0]?.closed, false)
    first.leave()
    await until(() => subscriptions[0]?.closed === true)
  })

  it('ends where the server refuses a change of it, and holds nothing open at the server', async (test) => {
    const { subscriptions, send, listen } = await setUp(test, {}, { 1: 'refused' })
    const first = await listen()
    await until(() => subscriptions.length === 1)
    assert.equal(await send('resources/subscribe', { uri: 'test:///a' }), undefined)
    await until(() => first.isOver() && subscriptions[0]?.closed === true)
    const { heard } = await listen()
    await until(() => subscriptions.length === 2)
    assert.deepEqual(subscriptions[1]?.filter, { toolsListChanged: true }, 'without what was refused')
    subscriptions[1]?.say({ method: changed.method })
    await until(() => heard().length > 0)
    assert.deepEqual(heard(), [changed])
  })

  it('may end while its client subscribes, which is answered all the same', async (test) => {
    const { subscriptions, send, listen } = await setUp(test, {}, { 1: 'unanswered' })
    const { leave } = await listen()
    await until(() => subscriptions.length === 1)
    const subscribed = send('resources/subscribe', { uri: 'test:///a' })
    await until(() => subscriptions.length === 2)
    leave()
    assert.deepEqual(await subscribed, {})
    await until(() => subscriptions.every(({ closed }) => closed))
  })

  it('answers each of several subscriptions at once, also where the server acknowledges the last alone', async (test) => {
    const { subscriptions, send, listen } = await setUp(test, {}, { 1: 'unanswered' })
    await listen()
    await until(() => subscriptions.length === 1)
    const first = send('resources/subscribe', { uri: 'test:///a' })
    await until(() => subscriptions.length === 2)
    assert.deepEqual(await send('resources/subscribe', { uri: 'test:///b' }), {})
    assert.deepEqual(await first, {})
    assert.deepEqual(subscriptions[2]?.filter['resourceSubscriptions'], ['test:///a', 'test:///b'])
    await until(() => subscriptions[0]?.closed === true && subscriptions[1]?.closed === true)
  })

  it('ends with its session, and leaves nobody waiting for what never comes', async (test) => {
    const { gate, id, subscriptions, listen } = await setUp(test)
    const streams = [await listen(), await listen()]
    await until(() => subscriptions.length === 1)
    const token = await gate.token('ada')
    const headers = { 'mcp-session-id': id }
    await post(gate.url, token, undefined, { method: 'DELETE', headers })
    await until(() => streams.every(({ isOver }) => isOver()) && subscriptions[0]?.closed === true)
    assert.equal((await post(gate.url, token, legacyRequest('ping'), { headers })).status, 404)
  })
})
