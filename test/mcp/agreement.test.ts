import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Refusal } from '../../src/core/errors.ts'
import { checkMethodHeader, checkNameHeader } from '../../src/mcp/agreement.ts'
import { decodeHeaderValue, encodeHeaderValue } from '../../src/mcp/headers.ts'
import { readMessage } from '../../src/mcp/message.ts'
import { findMethod } from '../../src/mcp/methods.ts'
import type { Era } from '../../src/mcp/revisions.ts'

const encode = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`

describe('header values (O8)', () => {
  it('are written so that they are read as the same text, and are plain ASCII', () => {
    const texts = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string().map(encode), fc.constant(' padded '))
    fc.assert(
      fc.property(texts, (text) => {
        const value = encodeHeaderValue(text)
        assert.match(value, /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/)
        assert.equal(decodeHeaderValue(value), text)
      }),
    )
    assert.equal(encodeHeaderValue('a plain name'), 'a plain name')
  })

  it('decodes between the sentinels and takes everything else literally', () => {
    for (const [value, meaning] of [
      ['add', 'add'],
      [encode('Grüße'), 'Grüße'],
      ['=?base64?', '=?base64?'],
      ['x?=', 'x?='],
      ['=?BASE64?YQ==?=', '=?BASE64?YQ==?='],
      ['=?base64??=', ''],
    ] as const) {
      assert.equal(decodeHeaderValue(value), meaning)
    }
  })

  it('refuses wrong base64 and wrong UTF-8 (A18)', () => {
    for (const value of [
      '=?base64?YQ?=',
      '=?base64?YQ===?=',
      '=?base64?Y Q==?=',
      '=?base64?_-8=?=',
      '=?base64?/w==?=',
    ]) {
      assert.equal(decodeHeaderValue(value), undefined, value)
    }
  })
})

describe('header and body agree (O7, A16)', () => {
  const call = (
    name: string,
    headers: { mcpMethod?: string; mcpName?: string },
    era: Era = 'modern',
  ): void => {
    const message = readMessage({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } })
    const both = { mcpMethod: undefined, mcpName: undefined, ...headers }
    checkMethodHeader(message, both, era)
    checkNameHeader(message, findMethod('tools/call', 'request', era)!, both, era)
  }
  const mismatch = (error: Refusal): boolean => error.code === 'header_mismatch'

  it('accepts what agrees', () => {
    call('add', { mcpMethod: 'tools/call', mcpName: 'add' })
    call('Grüße', { mcpMethod: 'tools/call', mcpName: encode('Grüße') })
    call('add', {}, 'legacy')
    call('add', { mcpMethod: 'tools/call', mcpName: 'add' }, 'legacy')
  })

  for (const [what, headers, era] of [
    ['no method', { mcpName: 'add' }, 'modern'],
    ['no name', { mcpMethod: 'tools/call' }, 'modern'],
    ['another method', { mcpMethod: 'tools/list', mcpName: 'add' }, 'modern'],
    ['another name', { mcpMethod: 'tools/call', mcpName: 'subtract' }, 'modern'],
    ['another case', { mcpMethod: 'Tools/Call', mcpName: 'add' }, 'modern'],
    ['a wrong encoding', { mcpMethod: 'tools/call', mcpName: '=?base64?YWRk=?=' }, 'modern'],
    ['another method in the legacy era', { mcpMethod: 'tools/list' }, 'legacy'],
    ['another name in the legacy era', { mcpName: 'subtract' }, 'legacy'],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => call('add', headers, era), mismatch)
    })
  }

  it('compares code points, not looks (A18)', () => {
    assert.throws(() => call('e\u0301', { mcpMethod: 'tools/call', mcpName: encode('\u00e9') }), mismatch)
  })

  it('refuses a name where the method has none', () => {
    const message = readMessage({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    const headers = { mcpMethod: 'tools/list', mcpName: 'add' }
    assert.throws(
      () => checkNameHeader(message, findMethod('tools/list', 'request', 'modern')!, headers, 'modern'),
      mismatch,
    )
  })
})
