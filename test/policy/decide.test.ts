import assert from 'node:assert/strict'
import { it } from 'node:test'
import { toolScope } from '../../src/policy/decide.ts'

it('the scope of a tool is one segment, and no wildcard, whatever the tool is called (A27)', () => {
  assert.equal(toolScope('add'), 'mcp:tools:execute:add')
  assert.equal(toolScope('a:b'), 'mcp:tools:execute:a%3Ab')
  assert.equal(toolScope('*'), 'mcp:tools:execute:%2A')
  assert.equal(toolScope(`a "é" '()!~`), 'mcp:tools:execute:a%20%22%C3%A9%22%20%27%28%29%21%7E')
})
