import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeHeaderValue } from '../../src/mcp/headers.ts'
import { askClient } from '../support/ask-client.ts'
import { FormBrowser } from '../support/form-browser.ts'
import {
  type Answer,
  type GatedSpy,
  legacyRequest,
  modernRequest,
  startGatedSpy,
} from '../support/gated-spy.ts'
import { OAuthClient } from '../support/oauth.ts'
import {
  answerAsTaskServer,
  type Json,
  makeTask,
  messagesIn,
  rawId,
  relatedTask,
  send,
  status,
  taskRequest,
} from '../support/task-server.ts'

let gate: GatedSpy
let alice: string
let bob: string
before(async () => {
  gate = await startGatedSpy()
  alice = await gate.tokenFor('mcp:*', 'alice')
  bob = await gate.tokenFor('mcp:*', 'bob')
})
after(async () => {
  await gate.close()
})

const lastBody = (): { params: Json } => JSON.parse(gate.spy.seen.at(-1)?.body ?? '') as { params: Json }
const uses = [
  ['legacy', 'tasks/get'],
  ['legacy', 'tasks/result'],
  ['legacy', 'tasks/cancel'],
  ['modern', 'tasks/get'],
  ['modern', 'tasks/update'],
  ['modern', 'tasks/cancel'],
] as const

describe('tasks belong to whose request made them (A24, H6, H7)', () => {
  for (const [era, method] of uses) {
    it(`${method}, ${era}: the owner's id becomes the server's, anybody else's is unknown`, async () => {
      const taskId = await makeTask(era, alice, gate)
      assert.notEqual(taskId, rawId)
      const own = await send(era, method, { taskId, inputResponses: { a: 1 } }, { token: alice, at: gate })
      assert.equal(own.json.error, undefined)
      assert.deepEqual(lastBody().params['taskId'], rawId)
      assert.deepEqual(lastBody().params['inputResponses'], { a: 1 })
      const header = gate.spy.seen.at(-1)?.headers['mcp-name']
      if (era === 'modern') assert.equal(decodeHeaderValue(String(header)), rawId)
      const told = method === 'tasks/result' ? JSON.stringify(own.json.result) : own.json.result?.['taskId']
      assert.ok(String(told).includes(taskId), 'the client finds its own id again')
      assert.ok(!own.text.includes(rawId))

      const earlier = gate.spy.seen.length
      const foreign = await send(era, method, { taskId }, { token: bob, at: gate })
      const errors = [foreign.json.error]
      for (const id of ['made-up', rawId, '', `${taskId.slice(0, -4)}AAAA`, 7, null, [taskId]]) {
        const { body, headers } = taskRequest(era, method, { taskId: id })
        if (era === 'modern' && typeof id !== 'string') continue // refused for its head
        const name = Buffer.from(String(id)).toString('base64')
        const named = era === 'modern' ? { ...headers, 'mcp-name': `=?base64?${name}?=` } : headers
        for (const token of [alice, bob])
          errors.push((await gate.post(body, { token, headers: named })).json.error)
      }
      for (const error of errors) {
        assert.equal(error?.code, -32602)
        assert.deepEqual(
          { ...error, data: undefined },
          { code: -32602, message: 'Task not found', data: undefined },
        )
        assert.equal(error.data['code'], 'task_unknown')
      }
      assert.equal(foreign.status, 200)
      assert.equal(gate.spy.seen.length, earlier, 'the server is not asked')
    })
  }

  it('are the same to their owner in every answer, after a restart and in every replica, and other ones for others', async () => {
    const [first, again, theirs] = [
      await makeTask('legacy', alice, gate),
      await makeTask('legacy', alice, gate),
      await makeTask('legacy', bob, gate),
    ]
    assert.equal(first, again)
    assert.notEqual(first, theirs)
    await gate.installation.restart()
    answerAsTaskServer(gate)
    assert.equal(
      (await send('legacy', 'tasks/get', { taskId: first }, { token: alice, at: gate })).json.result?.[
        'taskId'
      ],
      first,
    )
  })

  it('are no session ids, and session ids are no tasks', async () => {
    const taskId = await makeTask('legacy', alice, gate)
    const within = await gate.post(legacyRequest('ping'), {
      token: alice,
      headers: { 'mcp-session-id': taskId },
    })
    assert.equal(within.status, 404)
  })

  it('belong to the client as well as to the user', async () => {
    const taskId = await makeTask('legacy', alice, gate)
    const client = await OAuthClient.register(gate.installation.url, {
      redirect_uris: ['http://127.0.0.1:1/cb'],
    })
    const browser = new FormBrowser({ fill: { name: 'alice' } })
    const { access_token: other } = await client.signIn({ scope: 'mcp:*' }, browser)
    assert.equal(
      (await send('legacy', 'tasks/get', { taskId }, { token: other, at: gate })).json.error?.code,
      -32602,
    )
  })

  it('lets each entry of a subscription be the caller’s, or refuses all of it', async () => {
    const taskId = await makeTask('modern', alice, gate)
    gate.spy.answerWith((_request, res) => {
      const told = [
        {
          method: 'notifications/subscriptions/acknowledged',
          params: { notifications: { taskIds: [rawId, 'x'] } },
        },
        { method: 'notifications/tasks', params: { taskId: 'of somebody else', ...status } },
        { method: 'notifications/tasks', params: { taskId: rawId, ...status } },
      ]
      const events = told.map((message) => `data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end(events.join(''))
    })
    const filterOf = (taskIds: unknown): Json => ({ notifications: { taskIds, toolsListChanged: true } })
    const listen = (taskIds: unknown, token: string): Promise<Answer> =>
      send('modern', 'subscriptions/listen', filterOf(taskIds), { token, at: gate })
    const undeclared = modernRequest('subscriptions/listen', filterOf([taskId]))
    for (const { text } of [
      await listen([taskId], alice),
      await gate.post(undeclared.body, { token: alice, headers: undeclared.headers }),
    ]) {
      assert.deepEqual((lastBody().params['notifications'] as Json)['taskIds'], [rawId])
      assert.deepEqual(
        messagesIn(text).map(({ params }) => params),
        [{ notifications: { taskIds: [taskId] } }, { taskId, ...status }],
      )
    }
    const { body, headers } = modernRequest('subscriptions/listen', {
      notifications: { toolsListChanged: true },
    })
    const { text: other } = await gate.post(body, { token: bob, headers })
    assert.deepEqual(
      messagesIn(other).map(({ params }) => params),
      [{ notifications: { taskIds: [] } }],
      'nor is anything told to who asks for none',
    )
    const earlier = gate.spy.seen.length
    for (const [taskIds, token] of [
      [[taskId], bob],
      [[taskId, rawId], alice],
      [['made-up'], alice],
      [rawId, alice],
      [true, alice],
    ] as const)
      assert.equal((await listen(taskIds, token)).json.error?.code, -32602)
    assert.equal(gate.spy.seen.length, earlier)
  })

  it('in the label of a request is the caller’s, and in that of a response may be one of the client’s own', async () => {
    const taskId = await makeTask('legacy', alice, gate)
    const labelled = (id: string): Json => ({ _meta: { [relatedTask]: { taskId: id } } })
    await send('legacy', 'tools/call', { name: 't', ...labelled(taskId) }, { token: alice, at: gate })
    assert.deepEqual(lastBody().params['_meta'], { [relatedTask]: { taskId: rawId } })
    const earlier = gate.spy.seen.length
    const refused = await send(
      'legacy',
      'tools/call',
      { name: 't', ...labelled(taskId) },
      { token: bob, at: gate },
    )
    assert.equal(refused.json.error?.code, -32602)
    assert.equal(gate.spy.seen.length, earlier)

    const asked = await askClient(gate, { token: alice })
    for (const [id, told] of [
      [taskId, rawId],
      ['of-the-client', 'of-the-client'],
    ] as const) {
      await gate.post(
        { jsonrpc: '2.0', id: asked.id, result: { action: 'accept', ...labelled(id) } },
        { token: alice },
      )
      const { result } = JSON.parse(gate.spy.seen.at(-1)?.body ?? '') as { result: Json }
      assert.deepEqual(result, { action: 'accept', ...labelled(told) })
      const progress = {
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: asked.progressToken, progress: 1, ...labelled(id) },
      }
      await gate.post(progress, { token: alice })
      assert.deepEqual(lastBody().params, { progressToken: 5, progress: 1, ...labelled(told) })
    }
  })

  it('change nothing else of a request, and no byte of one that names none', async () => {
    const taskId = await makeTask('legacy', alice, gate)
    const text = `{"jsonrpc":"2.0","id":7,"method":"tasks/get","params":{"taskId":"${taskId}","n":12345678901234567890}}`
    await gate.post(text, { token: alice })
    assert.equal(gate.spy.seen.at(-1)?.body, text.replace(taskId, rawId))
    const plain =
      '{ "jsonrpc":"2.0", "id":7,"method":"tools/call","params":{"name":"taskId","task":{"ttl":1.0}} }'
    await gate.post(plain, { token: alice })
    assert.equal(gate.spy.seen.at(-1)?.body, plain)
  })

  it('within a batch are refused with all of it', async () => {
    const taskId = await makeTask('legacy', alice, gate)
    const headers = { 'mcp-protocol-version': '2025-03-26' }
    const batch = (id: string): object[] => [
      legacyRequest('ping', {}, 1),
      legacyRequest('tasks/get', { taskId: id }, 2),
    ]
    gate.spy.answerWith((_request, res) => {
      const answers = [{ jsonrpc: '2.0', id: 2, result: { taskId: rawId } }]
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers))
    })
    const { text } = await gate.post(batch(taskId), { token: alice, headers })
    assert.equal((JSON.parse(text) as [{ result: Json }])[0].result['taskId'], taskId)
    const earlier = gate.spy.seen.length
    const refused = await gate.post(batch('made-up'), { token: alice, headers })
    assert.equal(refused.json.error?.code, -32602)
    assert.equal(gate.spy.seen.length, earlier)
  })

  it('leave an answer alone to a request that can have none', async () => {
    const answer = '{ "jsonrpc":"2.0","id":7,"result":{"task":{"taskId":"x"},"n":1.0} }'
    gate.spy.answerWith((_request, res) =>
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer),
    )
    const { text, headers } = await send('legacy', 'tools/call', { name: 't' }, { token: alice, at: gate })
    assert.equal(text, answer)
    assert.equal(headers.get('content-length'), String(answer.length))
  })
})
