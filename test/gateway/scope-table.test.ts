import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { mcpScopes } from '../../src/core/scope-catalogue.ts'
import { methodTable, scopesOf } from '../../src/mcp/methods.ts'
import type { Era } from '../../src/mcp/revisions.ts'
import { isTaskMethod } from '../../src/mcp/tasks.ts'
import { type GatedSpy, legacyRequest, requestOf, startGatedSpy } from '../support/gated-spy.ts'
import { echo } from '../support/spy-upstream.ts'
import { makeTask } from '../support/task-server.ts'

/** The scope that each method needs, written down a second time: the table under test has no part in it. */
const expected: Record<string, readonly [string | undefined, readonly Era[]]> = {
  initialize: [undefined, ['legacy']],
  ping: [undefined, ['legacy']],
  'server/discover': [undefined, ['modern']],
  'tools/list': ['mcp:tools:read', ['legacy', 'modern']],
  'tools/call': ['mcp:tools:execute', ['legacy', 'modern']],
  'resources/list': ['mcp:resources:list', ['legacy', 'modern']],
  'resources/templates/list': ['mcp:resources:list', ['legacy', 'modern']],
  'resources/read': ['mcp:resources:read', ['legacy', 'modern']],
  'resources/subscribe': ['mcp:resources:read', ['legacy']],
  'resources/unsubscribe': ['mcp:resources:read', ['legacy']],
  'subscriptions/listen': ['mcp:tools:read', ['modern']],
  'prompts/list': ['mcp:prompts:list', ['legacy', 'modern']],
  'prompts/get': ['mcp:prompts:read', ['legacy', 'modern']],
  'completion/complete': ['mcp:prompts:read', ['legacy', 'modern']],
  'logging/setLevel': [undefined, ['legacy']],
  'tasks/get': ['mcp:tools:execute', ['legacy', 'modern']],
  'tasks/result': ['mcp:tools:execute', ['legacy']],
  'tasks/list': ['mcp:tools:execute', ['legacy']],
  'tasks/update': ['mcp:tools:execute', ['modern']],
  'tasks/cancel': ['mcp:tools:execute', ['legacy', 'modern']],
}

const paramsOf: Record<string, Record<string, unknown>> = {
  'tools/call': { name: 'add', arguments: {} },
  'resources/read': { uri: 'demo:///a' },
  'resources/subscribe': { uri: 'demo:///a' },
  'resources/unsubscribe': { uri: 'demo:///a' },
  'subscriptions/listen': { notifications: { toolsListChanged: true } },
  'prompts/get': { name: 'p' },
  'completion/complete': { ref: { type: 'ref/prompt', name: 'p' } },
}

let gate: GatedSpy
const tokens = new Map<string, string>()
/** A task of each token that may have one. */
const tasks = new Map<string, string>()
before(async () => {
  gate = await startGatedSpy({}, undefined, { separatesTasks: true })
  const parents = [
    'mcp:*',
    'mcp:tools',
    'mcp:tools:*',
    'mcp:resources',
    'mcp:resources:*',
    'mcp:prompts',
    'mcp:prompts:*',
  ]
  for (const scope of [...mcpScopes, ...parents, 'mcp:tools:execute:add'])
    tokens.set(scope, await gate.tokenFor(scope))
  for (const [scope, token] of tokens)
    if (/^mcp:(\*|tools(:\*|:execute)?)$/.test(scope)) tasks.set(scope, await makeTask('legacy', token, gate))
  gate.spy.answerWith(echo)
})
after(() => gate.close())

async function call(
  method: string,
  era: Era,
  scope: string,
): Promise<{ status: number; reached: boolean; challenge: string }> {
  const earlier = gate.spy.seen.length
  const task = isTaskMethod(method) && method !== 'tasks/list' ? { taskId: tasks.get(scope) ?? 'none' } : {}
  const params = paramsOf[method] ?? task
  const { body, headers } = requestOf(era, method, params)
  const answer = await gate.post(body, { token: tokens.get(scope), headers })
  return {
    status: answer.status,
    reached: gate.spy.seen.length > earlier,
    challenge: answer.headers.get('www-authenticate') ?? '',
  }
}

describe('scope of every method (A15)', () => {
  it('is written down for every request of the method table', () => {
    const requests = methodTable.filter(({ kind }) => kind === 'request')
    assert.deepEqual(requests.map(({ method }) => method).toSorted(), Object.keys(expected).toSorted())
    for (const row of requests) {
      assert.deepEqual(row.eras, expected[row.method]?.[1], row.method)
      assert.deepEqual(
        scopesOf(row, paramsOf[row.method] ?? {}),
        [expected[row.method]?.[0] ?? []].flat(),
        row.method,
      )
    }
  })

  for (const [method, [needed, eras]] of Object.entries(expected)) {
    for (const era of eras) {
      it(`${method}, ${era}: ${needed ?? 'any token'}`, async () => {
        for (const scope of mcpScopes) {
          const { status, reached, challenge } = await call(method, era, scope)
          const allowed = needed === undefined || scope === needed
          assert.equal(status, allowed ? 200 : 403, `${method} with ${scope}`)
          assert.equal(reached, allowed, 'a refused call never reaches the server')
          if (!allowed)
            assert.match(challenge, new RegExp(`error="insufficient_scope", scope="[^"]*${needed}"`))
        }
        if (needed === undefined) return
        const parent = needed.split(':').slice(0, 2).join(':')
        for (const scope of [parent, `${parent}:*`, 'mcp:*']) {
          assert.equal((await call(method, era, scope)).status, 200, `${method} with ${scope}`)
        }
      })
    }
  }

  it('lets a scope for one tool call that tool and no other (A27)', async () => {
    const token = tokens.get('mcp:tools:execute:add')
    const status = async (name: string): Promise<number> =>
      (await gate.post(legacyRequest('tools/call', { name }), { token })).status
    assert.equal(await status('add'), 200)
    for (const name of ['subtract', 'Add', 'add ', 'add:x', 'ad', 'аdd', '*'])
      assert.equal(await status(name), 403, name)
  })
})
