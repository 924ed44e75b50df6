import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { commonScopes, isScopeToken, parseScopes, ScopeSet } from '../../src/core/scope.ts'
import { mcpScopes, ScopeCatalogue } from '../../src/core/scope-catalogue.ts'

describe('scopes', () => {
  it('lets a parent imply its children, in both spellings (V10)', () => {
    for (const [granted, needed] of [
      ['mcp:*', 'mcp:tools:execute'],
      ['mcp:tools', 'mcp:tools:read'],
      ['mcp:tools:*', 'mcp:tools:read'],
      ['mcp:tools:execute', 'mcp:tools:execute:add'],
      ['mcp:resources', 'mcp:resources:list'],
      ['mcp:prompts:*', 'mcp:prompts:read'],
    ] as const) {
      assert.ok(new ScopeSet([granted]).covers(needed), `${granted} implies ${needed}`)
    }
  })

  it('lets siblings, prefixes of segments and a bare mcp imply nothing', () => {
    for (const [granted, needed] of [
      ['mcp:tools:read', 'mcp:tools:execute'],
      ['mcp:tools', 'mcp:resources:read'],
      ['mcp:tool', 'mcp:tools:read'],
      ['mcp:tools:exec', 'mcp:tools:execute'],
      ['mcp:tools:execute:add', 'mcp:tools:execute'],
      ['mcp:tools:execute:db', 'mcp:tools:execute:db%3Adrop'],
      ['mcp', 'mcp:tools:read'],
      ['*', 'mcp:tools:read'],
      ['MCP:TOOLS', 'mcp:tools:read'],
    ] as const) {
      assert.ok(!new ScopeSet([granted]).covers(needed), `${granted} does not imply ${needed}`)
    }
  })

  it('names what is missing, in order', () => {
    const granted = new ScopeSet(['mcp:tools', 'mcp:prompts:list'])
    assert.deepEqual(granted.missing(mcpScopes), [
      'mcp:resources:list',
      'mcp:resources:read',
      'mcp:prompts:read',
    ])
  })

  it('covers exactly what has a granted prefix of whole segments', () => {
    const segment = fc.stringMatching(/^[a-z]{1,3}$/)
    const path = fc.array(segment, { minLength: 2, maxLength: 4 })
    fc.assert(
      fc.property(fc.array(path, { maxLength: 4 }), path, (granted, needed) => {
        const covered = granted.some((one) => one.every((part, index) => needed[index] === part))
        assert.equal(new ScopeSet(granted.map((one) => one.join(':'))).covers(needed.join(':')), covered)
      }),
    )
  })

  it('finds what several sets have in common, a parent meeting its child in the child', () => {
    const tools = ['mcp:tools']
    assert.deepEqual(commonScopes([tools, ['mcp:tools:read', 'mcp:prompts:list']]), ['mcp:tools:read'])
    assert.deepEqual(commonScopes([['mcp:*'], ['mcp:tools:*'], ['mcp:tools:execute:a']]), [
      'mcp:tools:execute:a',
    ])
    assert.deepEqual(commonScopes([tools, ['mcp:prompts']]), [])
    assert.deepEqual(commonScopes([tools, []]), [])
    assert.deepEqual(commonScopes([tools]), tools)
    const set = fc.array(
      fc.constantFrom('mcp:*', 'mcp:tools', 'mcp:tools:*', 'mcp:tools:read', 'mcp:prompts:list', 'x'),
    )
    fc.assert(
      fc.property(fc.array(set, { minLength: 1, maxLength: 3 }), (sets) => {
        for (const scope of commonScopes(sets))
          for (const one of sets) assert.ok(new ScopeSet(one).covers(scope.replace(/:\*$/, '')))
      }),
    )
  })

  it('splits scope values and knows legal tokens (RFC 6749 A.4)', () => {
    assert.deepEqual(parseScopes(' a  b a '), ['a', 'b'])
    assert.deepEqual(parseScopes(undefined), [])
    assert.ok(isScopeToken('mcp:tools:execute:a%20b'))
    for (const wrong of ['', 'a b', 'a"b', 'a\\b', 'ä', 'a\r\nb']) assert.ok(!isScopeToken(wrong), wrong)
  })

  it('has words for every scope that can be granted', () => {
    const catalogue = new ScopeCatalogue({ 'archive:write': 'Change the archive' })
    for (const scope of [...catalogue.names, 'mcp:tools:execute:add', 'openid']) {
      assert.ok(isScopeToken(scope))
      assert.ok(catalogue.describe(scope).words.length > 5, scope)
    }
    assert.equal(catalogue.describe('archive:write').words, 'Change the archive')
    assert.equal(catalogue.describe('mcp:tools:execute:add').words, 'Run the tool add')
    assert.equal(catalogue.describe('openid').words, 'See your name')
  })

  it('knows the scopes of MCP, those for single tools, and those of the operator alone', () => {
    const catalogue = new ScopeCatalogue({ 'archive:write': 'Change the archive' })
    assert.deepEqual(catalogue.leaves, [...mcpScopes, 'archive:write'])
    for (const known of ['mcp:*', 'mcp:tools', 'mcp:tools:execute:add', 'archive:write'])
      assert.ok(catalogue.knows(known), known)
    for (const unknown of [
      'archive',
      'archive:*',
      'archive:write:x',
      'mcp',
      'mcp:tools:execute:*',
      'mcp:tools:execute:a:b',
      'mcp:tools:execute:ä',
      'my:mcp:tools:execute:a',
      'constructor',
    ])
      assert.ok(!catalogue.knows(unknown), unknown)
    assert.ok(!new ScopeSet(['mcp:*']).covers('archive:write'), 'mcp:* is all of MCP, and no more')
  })
})
