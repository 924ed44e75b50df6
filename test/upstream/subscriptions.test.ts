import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { modernRequest } from '../support/gated-spy.ts'
import { type OpenRequest, openModern } from '../support/open-modern.ts'
import { legacyScript, type Script, type ScriptedGate, startScripted } from '../support/scripted-upstream.ts'
import { until } from '../support/until.ts'

let gate: ScriptedGate
let token: string
beforeEach(async () => {
  gate = await startScripted(legacyScript, { era: 'legacy', transport: 'streamable-http' })
  token = await gate.token('ada')
})
afterEach(() => gate.close())

const use = (script: Script): void => {
  gate.script = { ...legacyScript, ...script }
}

describe('a subscription of a modern client at a legacy server', () => {
  it('is acknowledged first, with what the server can do, and tells of that alone (O16, DEC1)', async () => {
    let say: (message: object) => void = () => {}
    let end: () => void = () => {}
    gate.spy.answerWith(
      ((answer) => (request, res) => {
        if (request.method !== 'GET') return answer(request, res)
        res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        say = (message) => res.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
        end = () => res.end()
        return undefined
      })(gate.spy.answer),
    )
    use({
      'resources/subscribe': ({ params }) =>
        (params as { uri: string }).uri === 'test:///a'
          ? {}
          : { reply: true, body: { error: { code: -32002, message: 'no such thing' } } },
    })
    const notifications = {
      toolsListChanged: true,
      promptsListChanged: true,
      resourceSubscriptions: ['test:///a', 'test:///b'],
    }
    const { body, headers } = modernRequest('subscriptions/listen', { notifications }, 'sub')
    const abort = new AbortController()
    const response = await fetch(gate.url, {
      method: 'POST',
      signal: abort.signal,
      headers: {
        ...headers,
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify(body),
    })
    let text = ''
    const reading = (async () => {
      for await (const chunk of response.body!) text += Buffer.from(chunk).toString()
    })().catch(() => {})
    const heard = (): { id?: unknown; method?: string; params?: object; result?: object }[] =>
      [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data as string))
    await until(() => heard().length === 1)
    await until(() => gate.methods().includes('GET'))
    const meta = { 'io.modelcontextprotocol/subscriptionId': 'sub' }
    assert.deepEqual(heard()[0], {
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: {
        notifications: { toolsListChanged: true, resourceSubscriptions: ['test:///a'] },
        _meta: meta,
      },
    })
    say({ method: 'notifications/prompts/list_changed' })
    say({ method: 'notifications/resources/updated', params: { uri: 'test:///b' } })
    say({ method: 'notifications/message', params: { level: 'info', data: 'unasked' } })
    say({ method: 'notifications/resources/updated', params: { uri: 'test:///a' } })
    say({ method: 'notifications/tools/list_changed' })
    await until(() => heard().length === 3)
    assert.deepEqual(heard().slice(1), [
      {
        jsonrpc: '2.0',
        method: 'notifications/resources/updated',
        params: { uri: 'test:///a', _meta: meta },
      },
      { jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: { _meta: meta } },
    ])
    // The server does not let the stream be opened again.
    gate.spy.answerWith(
      (
        (answer) => (request, res) =>
          request.method === 'GET' ? res.writeHead(403).end() : answer(request, res)
      )(gate.spy.answer),
    )
    end()
    await reading
    assert.deepEqual(heard().at(-1), {
      jsonrpc: '2.0',
      id: 'sub',
      result: { resultType: 'complete', _meta: meta },
    })
    abort.abort()
  })

  it('is to nothing that its client did not ask for (O16)', async () => {
    const notifications = { toolsListChanged: false, resourceSubscriptions: ['test:///a'] }
    const stream = openModern(gate.url, token, 'subscriptions/listen', { id: 'sub', notifications })
    await stream.until(1)
    const granted = stream.heard()[0]?.params?.['notifications']
    assert.deepEqual(granted, { resourceSubscriptions: ['test:///a'] })
    stream.leave()
  })

  it('ends at the server when nobody listens any more', async () => {
    const notifications = { resourceSubscriptions: ['test:///a'] }
    const listen = async (id: string): Promise<OpenRequest> => {
      const stream = openModern(gate.url, token, 'subscriptions/listen', { id, notifications })
      await stream.until(1) // it is acknowledged
      return stream
    }
    const [first, second] = [await listen('one'), await listen('two')]
    first.leave()
    await wait(200)
    assert.equal(gate.messages('resources/unsubscribe').length, 0, 'somebody else still listens')
    second.leave()
    await until(() => gate.messages('resources/unsubscribe').length === 1)
  })
})
