import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Principal } from '../../src/core/principal.ts'
import { ScopeSet } from '../../src/core/scope.ts'
import type { CallSummary } from '../../src/gateway/call.ts'
import { listFilter } from '../../src/gateway/rewrites/filter-lists.ts'
import type { Upstream } from '../../src/gateway/upstream.ts'
import { type FindMethod, findMethod } from '../../src/mcp/methods.ts'

describe('what a server lists', () => {
  const principal = { scopes: new ScopeSet(['mcp:tools']) } as Principal
  const call = { verb: 'POST', era: 'modern', methods: ['tools/list'] } as unknown as CallSummary

  /** What a caller who may use all tools sees of these. */
  const shown = (tools: unknown, find: FindMethod = findMethod): unknown => {
    const upstream = { rules: undefined, listing: 'marked', findMethod: find } as Upstream
    const filter = listFilter(principal, upstream, call)
    return filter?.change({ jsonrpc: '2.0', id: 1, result: { tools } })
  }
  const answer = (...tools: object[]): object => ({
    jsonrpc: '2.0',
    id: 1,
    result: { tools, cacheScope: 'private' },
  })

  it('is left out where nothing could be called by it', () => {
    const named = { name: 'a', title: 'A' }
    assert.deepEqual(shown([null, 'a', ['a'], {}, { name: 1 }, { title: 'B' }, named]), answer(named))
    for (const list of [null, 'a', { name: 'a' }]) assert.deepEqual(shown(list), answer())
  })

  it('is left out where nothing can be called at all', () => {
    assert.deepEqual(
      shown([{ name: 'a' }], () => undefined),
      answer(),
    )
  })
})
