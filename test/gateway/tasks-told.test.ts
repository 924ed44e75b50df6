import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type GatedSpy, startGatedSpy } from '../support/gated-spy.ts'
import {
  answerAsTaskServer,
  makeTask,
  messagesIn,
  rawId,
  relatedTask,
  send,
  status,
} from '../support/task-server.ts'

let gate: GatedSpy
let separating: GatedSpy
let alice: string
let bob: string
before(async () => {
  gate = await startGatedSpy()
  separating = await startGatedSpy({}, undefined, { separatesTasks: true })
  alice = await gate.tokenFor('mcp:*')
  bob = await gate.tokenFor('mcp:*')
})
after(async () => {
  await gate.close()
  await separating.close()
})

describe('a server that cannot tell whose a task is (A24, H6)', () => {
  it('lists none and does not promise to', async () => {
    answerAsTaskServer(gate)
    const opening = await send(
      'legacy',
      'initialize',
      { protocolVersion: '2025-11-25' },
      { token: alice, at: gate },
    )
    assert.deepEqual(opening.json.result, { capabilities: { tasks: { cancel: {} }, tools: {} } })
    const earlier = gate.spy.seen.length
    assert.equal(
      (await send('legacy', 'tasks/list', {}, { token: alice, at: gate })).json.error?.code,
      -32601,
    )
    assert.equal(gate.spy.seen.length, earlier)
  })

  it('is not heard where it tells of one unasked', async () => {
    answerAsTaskServer(gate)
    const { text } = await gate.post('', { token: bob, method: 'GET' })
    const [asked] = messagesIn(text)
    assert.deepEqual(messagesIn(text), [
      { jsonrpc: '2.0', method: 'elicitation/create', id: asked?.['id'], params: { _meta: { a: 1 } } },
      { jsonrpc: '2.0', method: 'notifications/message', params: { data: 'line' } },
    ])
  })

  it('is heard about the task that was asked about, also before the answer', async () => {
    const taskId = await makeTask('legacy', alice, gate)
    gate.spy.answerWith((_request, res) => {
      const told = [
        { method: 'notifications/tasks/status', params: { taskId: rawId } },
        { method: 'notifications/tasks/status', params: { taskId: 'of somebody else' } },
        { method: 'elicitation/create', id: 5, params: { _meta: { [relatedTask]: { taskId: rawId } } } },
        { id: 7, result: { content: [], _meta: { [relatedTask]: { taskId: rawId } } } },
      ]
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const text = told.map((message, at) => `id: ${at}\ndata: ${JSON.stringify(message)}\n\n`).join('')
      for (let at = 0; at < text.length; at += 7) res.write(text.slice(at, at + 7))
      res.end()
    })
    const { text } = await send('legacy', 'tasks/result', { taskId }, { token: alice, at: gate })
    const asked = messagesIn(text)[1]
    assert.deepEqual(messagesIn(text), [
      { method: 'notifications/tasks/status', params: { taskId } },
      { method: 'elicitation/create', id: asked?.['id'], params: { _meta: { [relatedTask]: { taskId } } } },
      { id: 7, result: { content: [], _meta: { [relatedTask]: { taskId } } } },
    ])
    assert.deepEqual(text.match(/^id: \d$/gm), ['id: 0', 'id: 1', 'id: 2', 'id: 3'], 'no place is lost')
  })
})

describe('a server that separates the tasks of its users (H6)', () => {
  it('lists them, and tells of them unasked, with ids that only their user can use', async () => {
    const token = await separating.tokenFor('mcp:*')
    const taskId = await makeTask('legacy', token, separating)
    const opening = await send('legacy', 'initialize', {}, { token, at: separating })
    assert.deepEqual(opening.json.result?.['capabilities'], { tasks: { list: {}, cancel: {} }, tools: {} })
    const { json } = await send('legacy', 'tasks/list', {}, { token, at: separating })
    assert.deepEqual(json.result, { tasks: [{ taskId, ...status }], nextCursor: 'more' })
    const { text } = await separating.post('', { token, method: 'GET' })
    assert.deepEqual(
      messagesIn(text).map(({ params }) => params),
      [{ taskId, ...status }, { _meta: { a: 1, [relatedTask]: { taskId } } }, { data: 'line' }],
    )
    const other = await separating.tokenFor('mcp:*')
    const foreign = await send('legacy', 'tasks/get', { taskId }, { token: other, at: separating })
    assert.equal(foreign.json.error?.code, -32602)
  })
})
