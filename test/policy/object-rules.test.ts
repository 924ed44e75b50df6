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

  it('allow nothing whose name is not a text, whatever they allow', () => {
    const rules = objectRules({ tools: { ...all, deny: ['x'] }, resources: all, prompts: all })
    assert.equal(rules?.allows({ kind: 'tools', name: undefined }), false)
    assert.equal(rules?.allows({ kind: 'prompts', name: undefined }), false)
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

  it('mean the same URIs, however an operator spells them in a pattern', () => {
    for (const [pattern, uri] of [
      ['https://A.example/*', 'https://a.example/x'],
      ['HTTPS://a.example/*', 'https://a.example/x'],
      ['https://a.example:443/*', 'https://a.example/x'],
      ['https://*.A.example/*', 'https://b.a.example/x'],
      ['https://a.example', 'https://a.example/'],
      ['https://ä.example/*', 'https://xn--4ca.example/x'],
      ['FILE:///etc/*', 'file:///etc/passwd'],
      ['file:/etc/*', 'file:///etc/passwd'],
      ['file://localhost/etc/*', 'file:///etc/passwd'],
      ['file:///caf%c3%a9/*', 'file:///caf%C3%A9/x'],
      ['file:///caf%c3%a9/*', 'file:///café/x'],
      ['db:caf%c3%a9', 'db:caf%C3%A9'],
    ] as const) {
      assert.equal(allows('resources', { deny: [pattern] }, uri), false, `${pattern} and ${uri}`)
      assert.equal(allows('resources', { deny: [pattern] }, pattern.replaceAll('*', 'q')), false, pattern)
    }
    for (const [pattern, uri] of [
      ['https://A.example/*', 'https://a.example/x'],
      ['https://a.example:443/*?b=1', 'https://a.example/x?b=1'],
      ['FILE:///srv/*', 'FILE:///srv/x'],
    ] as const)
      assert.equal(allows('resources', { allow: [pattern] }, uri), true, `${pattern} and ${uri}`)
    // Forbids ways round a path, and not every file.
    assert.equal(allows('resources', { deny: ['file:///*/../*', '*%2e%2e*'] }, 'file:///srv/a.txt'), true)
    assert.equal(allows('tools', { deny: ['HTTPS://A.example/'] }, 'https://a.example/'), true)
  })

  it('forbid what is equivalent, whichever side writes it in another way, and allow no more for it', () => {
    for (const [one, other] of [
      ['file:///%7Euser/x', 'file:///~user/x'],
      ['file:///%7euser/x', 'file:///%7Euser/x'],
      ['file:///se%63ret', 'file:///secret'],
      ['file:///a%3ab', 'file:///a%3Ab'],
      ['notes:%7Ea', 'notes:~a'],
      ['file:///caf\u{e9}/x', 'file:///cafe\u{301}/x'],
      ['file:///caf%C3%A9/x', 'file:///cafe%CC%81/x'],
      ['file:///caf\u{e9}', 'file:///cafe%cc%81'],
      ['notes:\u{ac00}', 'notes:\u{1100}\u{1161}'],
      ['file:///a/../b/x', 'file:///b/x'],
      ['file:///a/%2e%2e/b/./x', 'file:///b/x'],
      ['file:///a/%2E/b', 'file:///a/b'],
      ['file:///a/b/../', 'file:///a/'],
      ['postgres://prod/x', 'postgres://PROD/x'],
      ['Postgres://prod.EXAMPLE:5432/x', 'postgres://PROD.example:5432/x'],
    ] as const) {
      for (const [pattern, uri] of [
        [one, other],
        [other, one],
      ] as const)
        assert.equal(allows('resources', { deny: [pattern] }, uri), false, `${pattern} and ${uri}`)
    }
    for (const [pattern, uri] of [
      ['file:///%7Euser/*', 'file:///~user/x'],
      ['file:///srv/../secret/*', 'file:///secret/x'],
      ['file:///srv/../sec*', 'file:///secret/x'],
      ['file:///srv/./*', 'file:///srv/x'],
      ['file:///cafe\u{301}/*', 'file:///caf\u{e9}/x'],
      ['postgres://*.PROD/*', 'postgres://db.prod/x'],
    ] as const) {
      assert.equal(allows('resources', { deny: [pattern] }, uri), false, `${pattern} and ${uri}`)
      assert.equal(allows('resources', { allow: [pattern] }, uri), false, `${pattern} does not allow ${uri}`)
    }
    for (const [pattern, uri] of [
      ['file:///a%2Fb', 'file:///a/b'],
      ['*%2F*', 'file:///a/b'],
      ['postgres://prod/X', 'postgres://prod/x'],
      ['*%25*', 'file:///a'],
      ['file:///srv/../*', 'file:///x'],
      ['file:///srv/%2e%2E/*', 'file:///x'],
      [String.raw`file:///srv\..\*`, 'file:///x'],
      ['file:///*/../etc/*', 'file:///etc/x'],
      ['file:///*/%2e%2E/etc/*', 'file:///etc/x'],
      [String.raw`file:///*\..\etc/*`, 'file:///etc/x'],
    ] as const)
      assert.equal(allows('resources', { deny: [pattern] }, uri), true, `${pattern} and ${uri}`)
    assert.equal(allows('tools', { deny: ['%7E', 'cafe\u{301}'] }, '~'), true)
    assert.equal(allows('tools', { deny: ['cafe\u{301}'] }, 'caf\u{e9}'), true)
  })

  it('forbid what a server finds all the same with a host, a user or a dot that makes no difference to it', () => {
    for (const [pattern, uri] of [
      ['file:///etc/*', 'file://any.example/etc/passwd'],
      ['file:///etc/*', 'file://127.0.0.1/srv/../etc/passwd'],
      // A URL parser takes none of these for a URL.
      ['file:///etc/*', 'file://u@any.example/etc/passwd'],
      ['file:///etc/*', 'file://any.example:80/srv/../etc/passwd'],
      ['https://a.example/private/*', 'https://u@a.example/private/x'],
      ['https://a.example/private/*', 'https://:p@a.example/%70rivate/x'],
      ['https://a.example/private/*', 'https://a.example./private/x'],
      ['postgres://prod:5432/*', 'postgres://u@prod.:5432/x'],
    ] as const)
      assert.equal(allows('resources', { deny: [pattern] }, uri), false, `${pattern} and ${uri}`)
    assert.equal(allows('resources', { deny: ['file://nas/etc/*'] }, 'file:///etc/x'), true)
    assert.equal(allows('resources', { allow: ['file:///etc/*'] }, 'file://nas/etc/x'), false)
    assert.equal(allows('resources', { allow: ['file://nas/*'] }, 'file://nas/etc/x'), true)
  })

  it('see through escapes beside others that are none, wherever these stand', () => {
    for (const noEscape of ['%', '?%', '#%', '?%zz', '#%ff', '/%c3%28', '%2', '?%u0065']) {
      for (const uri of [
        'file:///srv/%73ecret/a',
        'file:///srv/x%2f..%2fsecret/a',
        'file:///srv/s%65%63ret/%ff',
      ])
        assert.equal(allows('resources', { deny: ['file:///srv/secret/*'] }, uri + noEscape), false, uri)
      const outside = `file:///srv/..%2fetc/passwd${noEscape}`
      assert.equal(allows('resources', { allow: ['file:///srv/*'] }, outside), false, outside)
      assert.equal(allows('resources', { allow: ['file:///srv/*'] }, `file:///srv/a%20b${noEscape}`), true)
    }
    assert.equal(allows('resources', { deny: ['file:///caf\u{e9}/*'] }, 'file:///caf%C3%A9/%'), false)
    assert.equal(allows('resources', { deny: ['file:///a\u{fffd}b'] }, 'file:///%61%ffb'), false)
  })

  it('see what is left of a URI for whoever leaves its fragment or query away', () => {
    for (const rest of ['#x', '?x', '?', '#', '?x#y', '#x?y', '%23x', '%3Fx', '%2523x', '#%']) {
      for (const uri of ['file:///etc/passwd', 'file:///%65tc/passwd', 'file:///srv/../etc/passwd'])
        assert.equal(allows('resources', { deny: ['file:///etc/passwd'] }, uri + rest), false, uri + rest)
      const ending = `file:///srv/key.pem${rest}.txt`
      assert.equal(allows('resources', { allow: ['file:///srv/*.txt'] }, ending), false, ending)
      assert.equal(allows('resources', { deny: ['*.pem'] }, ending), false, ending)
      assert.equal(allows('resources', { allow: ['file:///srv/*'] }, ending), true, ending)
    }
    for (const [uri, pattern] of [
      ['file:///srv/x%23y?z', 'file:///srv/x#y'],
      ['file:///srv/%3F/..%2f..%2fetc/passwd?z', 'file:///etc/*'],
      ['file:///srv/?/../../etc/passwd', 'file:///etc/*'],
      ['file:///srv/#/%2e%2e/../etc/passwd', 'file:///etc/*'],
      [String.raw`file:///srv/?\..\..\etc/passwd`, 'file:///etc/*'],
      ['FILE:///etc/passwd#x', 'FILE:///etc/passwd'],
    ] as const)
      assert.equal(allows('resources', { deny: [pattern] }, uri), false, uri)
  })

  it('see where a URI leads in a file system, which takes repeated slashes for one (A19)', () => {
    for (const uri of [
      'file:///srv//../etc/passwd',
      'file:///srv/a//../../etc/passwd',
      'file:///srv/%2F../etc/passwd',
      'file:///srv/%2e//%2e%2e/%2e%2e/etc/passwd',
      'file:///srv/?//../../etc/passwd',
      'file:////etc/passwd',
      'file:///etc//passwd',
      'file:///etc/%2Fpasswd',
      'file:///srv/../etc//./passwd',
    ]) {
      assert.equal(allows('resources', { allow: ['file:///srv/*'] }, uri), false, uri)
      assert.equal(allows('resources', { deny: ['file:///etc/passwd'] }, uri), false, uri)
    }
    for (const uri of [
      'notes:public/../secret/x',
      'notes:public/%2e%2e/secret/x',
      'notes:public//../secret/x',
      String.raw`notes:public\..\secret/x`,
    ]) {
      assert.equal(allows('resources', { allow: ['notes:public/*'] }, uri), false, uri)
      assert.equal(allows('resources', { deny: ['notes:secret/*'] }, uri), false, uri)
    }
    for (const uri of ['notes:secret/./x', 'notes:./secret/x', 'notes:secret/%2e/x'])
      assert.equal(allows('resources', { deny: ['notes:secret/x'] }, uri), false, uri)
    for (const uri of [
      'notes://public/../secret/x',
      'notes:public/../../public/x',
      'notes://public/../../public/x',
    ])
      assert.equal(allows('resources', { allow: ['notes:public/*', 'notes://public/*'] }, uri), false, uri)
    for (const [pattern, uri] of [
      ['https://r.example/https://a.example/*', 'https://r.example/https://a.example/b//c'],
      ['https://r.example/*?u=https://a.example/*', 'https://r.example/x//y?u=https://a.example/b/../c'],
      ['https://r.example//x?y=1', 'https://r.example//x?y=1'],
      ['https://r.example//*?u=https://a.example', 'https://r.example//x?u=https://a.example'],
      ['notes://public/*', 'notes://public/a/../b'],
      ['notes:*', 'notes:'],
      ['file:///srv/*', 'file:///srv//a.txt'],
    ] as const)
      assert.equal(allows('resources', { allow: [pattern] }, uri), true, `${pattern} and ${uri}`)
    assert.equal(allows('resources', { allow: ['notes:a/*'] }, 'notes:a/../../../a/x'), false)
    assert.equal(allows('resources', { allow: ['notes:a/../*'] }, 'notes:a/../b'), false, 'it is literal')
    // It allows what it names, and not the same with fewer slashes.
    assert.equal(allows('resources', { allow: ['file:///srv//pub/*'] }, 'file:///srv/pub/x'), false)
    // Every second segment would be compared with all that precede it.
    assert.equal(allows('resources', { deny: ['x'] }, `notes:${'../'.repeat(80_000)}`), true)
  })

  it('allow a URI with a query or fragment where they name these, and not without', () => {
    for (const [pattern, uri, expected] of [
      ['https://x.example/a?b=1', 'https://x.example/a?b=1', true],
      ['https://x.example/a?b=1', 'https://x.example/a?b=1#c', false],
      ['https://x.example/a?b=1', 'https://x.example/a?b=2', false],
      ['https://x.example/a?b=1', 'https://x.example/a', false],
      ['https://x.example/a#b', 'https://x.example/a#b', true],
      ['https://x.example/a?b#c', 'https://x.example/a?b#c', true],
      ['https://x.example/*?b=1', 'https://x.example/%61?b=1', true],
      ['https://x.example/*?b=1', 'https://x.example/q#?b=1', false],
      ['https://x.example/*.txt#b', 'https://x.example/key.pem?.txt#b', false],
      ['https://x.example/a?*', 'https://x.example/a?url=https%3A%2F%2Fy.example%2F%3Fz', true],
      ['notes://find{?text}', 'notes://find{?text}', true],
    ] as const)
      assert.equal(allows('resources', { allow: [pattern] }, uri), expected, `${pattern} and ${uri}`)
    // What one pattern says of queries is nothing that another one says.
    const two = ['*?b=1', 'file:///srv/*.txt']
    assert.equal(allows('resources', { allow: two }, 'file:///srv/key.pem?.txt'), false)
    assert.equal(allows('resources', { allow: two }, 'file:///srv/a.txt'), true)
  })

  it('refuse a URI that has more spellings than anybody needs', () => {
    assert.equal(allows('resources', { deny: ['x'] }, `file:///${'%25'.repeat(20)}`), true)
    assert.equal(allows('resources', { deny: ['x'] }, `file:///%${'25'.repeat(5000)}`), false)
    // Each of these is short, and a request can name many.
    assert.equal(allows('resources', { deny: ['x'] }, `file:///%${'25'.repeat(30)}20`), true)
    assert.equal(allows('resources', { deny: ['x'] }, `file:///%${'25'.repeat(200)}20`), false)
    assert.equal(allows('resources', { deny: ['x'] }, `file:///${'a'.repeat(300_000)}`), false)
    assert.equal(
      allows('resources', { deny: ['x'] }, `file:///${'a'.repeat(100_000)}%${'25'.repeat(5)}20`),
      false,
    )
    // Putting these in order for NFC would take seconds.
    for (const marks of ['\u{301}\u{323}', '%CC%81%CC%A3'])
      assert.equal(allows('resources', { deny: ['x'] }, `a:${marks.repeat(2000)}`), false)
    assert.equal(allows('resources', { deny: ['x'] }, `a:a${'\u{301}'.repeat(30)}`), true)
  })

  it('take names of tools and prompts to the letter', () => {
    for (const kind of ['tools', 'prompts'] as const) {
      for (const name of ['%61', 'a?b', 'a#b', 'a?', '%']) {
        assert.equal(allows(kind, { deny: ['a'] }, name), true, name)
        assert.equal(allows(kind, { allow: [name] }, name), true, name)
      }
      assert.equal(allows(kind, { allow: ['*.b'] }, 'a?.b'), true)
    }
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
