import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findMethod, findMethodWith, methodTable, scopesOf } from '../../src/mcp/methods.ts'
import type { Era } from '../../src/mcp/revisions.ts'

const scopes = (method: string, params = {}, era: Era = 'legacy'): readonly string[] | undefined =>
  scopesOf(findMethod(method, 'request', era)!, params)

describe('method table', () => {
  it('names each method once', () => {
    assert.equal(new Set(methodTable.map(({ method }) => method)).size, methodTable.length)
  })

  it('knows which era has what', () => {
    for (const method of [
      'initialize',
      'ping',
      'resources/subscribe',
      'logging/setLevel',
      'tasks/list',
      'tasks/result',
    ]) {
      assert.ok(findMethod(method, 'request', 'legacy'))
      assert.equal(findMethod(method, 'request', 'modern'), undefined, method)
    }
    for (const method of ['server/discover', 'subscriptions/listen', 'tasks/update']) {
      assert.ok(findMethod(method, 'request', 'modern'))
      assert.equal(findMethod(method, 'request', 'legacy'), undefined, method)
    }
  })

  it('denies what it does not know (A22)', () => {
    for (const method of [
      'Tools/call',
      'TOOLS/CALL',
      'tools/call ',
      'rpc.discover',
      'tools/delete',
      '__proto__',
      'constructor',
    ]) {
      assert.equal(findMethod(method, 'request', 'legacy'), undefined, method)
      assert.equal(findMethod(method, 'request', 'modern'), undefined, method)
    }
  })

  it('does not take a request for a notification, or the other way round', () => {
    assert.equal(findMethod('tools/call', 'notification', 'legacy'), undefined)
    assert.equal(findMethod('notifications/initialized', 'request', 'legacy'), undefined)
  })

  it('asks for the scope of what is completed (A23)', () => {
    assert.deepEqual(scopes('completion/complete', { ref: { type: 'ref/prompt' } }), ['mcp:prompts:read'])
    assert.deepEqual(scopes('completion/complete', { ref: { type: 'ref/resource' } }), ['mcp:resources:read'])
    for (const params of [
      {},
      { ref: null },
      { ref: 'ref/prompt' },
      { ref: { type: 'ref/tool' } },
      { ref: { type: ['ref/prompt'] } },
    ]) {
      assert.equal(scopes('completion/complete', params), undefined)
    }
  })

  it('takes no subscription to more things than can be decided in a moment (A36)', () => {
    const ofOperator = findMethodWith({ scopes: { 'subscriptions/listen': ['read'] } })
    for (const find of [findMethod, ofOperator]) {
      const row = find('subscriptions/listen', 'request', 'modern')!
      for (const entry of ['resourceSubscriptions', 'taskIds']) {
        const listen = (count: number): readonly string[] | undefined =>
          scopesOf(row, { notifications: { [entry]: Array(count).fill('a') } })
        assert.equal(listen(256)?.length, 1)
        assert.equal(listen(257), undefined)
      }
    }
  })

  it('asks for the scope of each thing that is listened to (A23)', () => {
    const listen = (notifications: unknown): readonly string[] | undefined =>
      scopes('subscriptions/listen', { notifications }, 'modern')
    assert.deepEqual(listen({}), [])
    assert.deepEqual(listen({ toolsListChanged: true, promptsListChanged: true }), [
      'mcp:tools:read',
      'mcp:prompts:list',
    ])
    assert.deepEqual(listen({ resourcesListChanged: true, resourceSubscriptions: ['a'] }), [
      'mcp:resources:list',
      'mcp:resources:read',
    ])
    assert.deepEqual(listen({ taskIds: ['a'] }), ['mcp:tools:execute'])
    assert.deepEqual(listen({ toolsListChanged: false, resourceSubscriptions: [] }), [])
    assert.deepEqual(listen({ toolsListChanged: null }), ['mcp:tools:read'], 'a server may take it for a yes')
    for (const wrong of [undefined, [], 'x', { somethingElse: true }, { constructor: true }])
      assert.equal(listen(wrong), undefined)
  })
})
