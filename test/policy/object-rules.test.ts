import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type KindRules, objectRules } from '../../src/policy/object-rules.ts'

const all: KindRules = { allow: ['*'], deny: [] }

function allows(kind: 'tools' | 'resources' | 'prompts', rules: Partial<KindRules>, name: string): boolean {
  const compiled = objectRules({ tools: all, resources: all, prompts: all, [kind]: { ...all, ...rules } })
  return compiled?.allows({ kind, name }) ?? true
}

describe('rules on objects', () => {
  it('are none where nothing is forbidden', () => {
    assert.equal(objectRules({ tools: all, resources: all, prompts: all }), undefined)
  })

  it('take an asterisk for any text, and nothing else for more than it is (A27)', () => {
    for (const [pattern, name, expected] of [
      ['read_*', 'read_', true],
      ['read_*', 'read_x\ny', true],
      ['read_*', 'Read_x', false],
      ['read_*', ' read_x', false],
      ['*_all', 'delete_all', true],
      ['*_all', 'delete_all ', false],
      ['a*b*c', 'aXbYc', true],
      ['a*b*c', 'abc', true],
      ['a*b*c', 'acb', false],
      ['a*a', 'a', false],
      ['db.', 'dbx', false],
      ['(a|b)', 'a', false],
      ['[a-z]', 'q', false],
      ['**', 'anything', true],
      ['add', 'аdd', false],
    ] as const) {
      assert.equal(allows('tools', { allow: [pattern] }, name), expected, `${pattern} and ${name}`)
      assert.equal(allows('tools', { deny: [pattern] }, name), !expected, `not ${pattern} and ${name}`)
    }
  })

  it('deny what is denied, whatever else allows it, and all where nothing is allowed', () => {
    assert.equal(allows('tools', { allow: ['*', 'x'], deny: ['x'] }, 'x'), false)
    assert.equal(allows('prompts', { allow: [] }, 'x'), false)
  })

  it('see a URI in every spelling that a server may understand', () => {
    for (const uri of [
      'file:///etc/passwd',
      'file:///srv/../etc/passwd',
      'file:///srv/%2e%2e/etc/passwd',
      'file:///%65tc/passwd',
      'file:///srv/%252e%252e/etc/passwd',
      'FILE:///etc/passwd',
      'file://localhost/etc/passwd',
    ]) {
      assert.equal(
        allows('resources', { deny: ['file:///etc/*', 'file://localhost/etc/*'] }, uri),
        false,
        uri,
      )
      assert.equal(allows('resources', { allow: ['file:///srv/*'] }, uri), false, uri)
    }
    assert.equal(allows('resources', { allow: ['file:///srv/*'] }, 'file:///srv/a%20b'), true)
  })

  it('agree with a plain definition of the pattern, for any pattern and text', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 12 })
    const plain = (pattern: string, name: string): boolean => {
      if (pattern === '') return name === ''
      if (pattern[0] === '*')
        return plain(pattern.slice(1), name) || (name !== '' && plain(pattern, name.slice(1)))
      return pattern[0] === name[0] && plain(pattern.slice(1), name.slice(1))
    }
    fc.assert(
      fc.property(text, text, (pattern, name) => {
        if (pattern !== '')
          assert.equal(allows('tools', { allow: [pattern], deny: ['-'] }, name), plain(pattern, name))
      }),
    )
  })
})
