import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { JsonRefused, parseStrictJson } from '../../src/mcp/json.ts'

const parse = (text: string): unknown => parseStrictJson(text, 16)

describe('strict JSON (A19)', () => {
  it('reads every JSON text as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        assert.deepEqual(JSON.stringify(parse(text)), JSON.stringify(JSON.parse(text)))
      }),
    )
  })

  it('refuses every text that JSON.parse refuses, and reads the others alike or refuses them', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json().chain((json) => mutated(json)),
    )
    fc.assert(
      fc.property(text, (candidate) => {
        const strict = attempt(() => parse(candidate))
        const usual = attempt(() => JSON.parse(candidate) as unknown)
        if (strict.ok) assert.deepEqual(JSON.stringify(strict.value), JSON.stringify(usual.value))
        if (!usual.ok) assert.ok(!strict.ok, 'stricter, never laxer')
      }),
      { numRuns: 2000 },
    )
  })

  it('refuses a key that stands twice, at any depth and in any spelling', () => {
    for (const text of [
      '{"method":"a","method":"b"}',
      '{"method":"a","\\u006dethod":"b"}',
      '{"params":{"name":"a","x":[{"name":1,"name":2}]}}',
      '{"__proto__":1,"__proto__":2}',
    ]) {
      assert.throws(() => parse(text), JsonRefused, text)
    }
  })

  it('refuses deep nesting, lone surrogates in keys, and every extension of the grammar', () => {
    for (const text of [
      '['.repeat(17) + ']'.repeat(17),
      `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`,
      '{"\\ud800":1}',
      '\ufeff{}',
      '{}{}',
      '[1,]',
      '{"a":1,}',
      '01',
      '1.',
      '.5',
      '+1',
      'NaN',
      "{'a':1}",
      '{a:1}',
      '"\t"',
      '"\\x41"',
      '"unfinished',
      '"\\',
      '// comment\n1',
      '',
    ]) {
      assert.throws(() => parse(text), JsonRefused, JSON.stringify(text))
    }
  })

  it('reads strings alike whatever their length, and refuses in the longest what it does in the shortest', () => {
    const right = [
      '',
      '\\\\',
      '\\"',
      '\\\\\\"',
      '\\n',
      '\\u0041',
      '\\ud83d\\ude00',
      '\\ud800',
      '\u00e9',
      '\u2028',
    ]
    const wrong = ['\n', '\0', '\u001f', '\\x41', '\\u00g0', '\\', '\\\\\\', '"']
    const endings = [...right, '\\\\'.repeat(40), ...wrong]
    for (let length = 0; length < 140; length++) {
      const run = 'x'.repeat(length)
      for (const ending of endings) {
        for (const inner of [run + ending, ending + run, run + ending + run]) {
          const text = `["${inner}","after"]`
          const usual = attempt(() => JSON.parse(text) as unknown)
          assert.deepEqual(
            attempt(() => parse(text)),
            usual,
            JSON.stringify(text),
          )
          const omitted = attempt(() => parseStrictJson(text, 16, 'all'))
          assert.equal(omitted.ok, usual.ok, JSON.stringify(text))
        }
      }
    }
  })

  it('refuses more values than anybody needs, before they fill the memory (A36)', () => {
    const list = (count: number): string => `[${'0,'.repeat(count - 2)}0]`
    assert.equal((parse(list(100_000)) as unknown[]).length, 99_999)
    assert.throws(() => parse(list(100_001)), /too many values/)
  })

  it('makes an ordinary member of __proto__', () => {
    const value = parse('{"__proto__":{"admin":true}}') as Record<string, unknown>
    assert.equal(value['admin'], undefined)
    assert.deepEqual(Object.keys(value), ['__proto__'])
  })

  it('tells where, and never what', () => {
    assert.throws(
      () => parse('{"secret":"s3cr3t","secret":1}'),
      (error: Error) => {
        assert.match(error.message, /^a key stands twice at character 19$/)
        return true
      },
    )
  })
})

function attempt(step: () => unknown): { ok: boolean; value?: unknown } {
  try {
    return { ok: true, value: step() }
  } catch {
    return { ok: false }
  }
}

/** A JSON text with a few characters changed. */
function mutated(json: string): fc.Arbitrary<string> {
  const characters = Array.from('{}[]",:0123456789.eE+-tfnu\\ \n\u0000a').map((character) =>
    fc.constant(character),
  )
  const change = fc.tuple(fc.nat(json.length), fc.nat(2), fc.oneof(...characters))
  return fc
    .array(change, { maxLength: 3 })
    .map((changes) =>
      changes.reduce(
        (text, [at, removed, added]) => text.slice(0, at) + added + text.slice(at + removed),
        json,
      ),
    )
}
