import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ErrorCode, Refusal } from '../../src/core/errors.ts'
import { decideDialect } from '../../src/mcp/era.ts'
import { type Message, readMessage } from '../../src/mcp/message.ts'

const version = 'io.modelcontextprotocol/protocolVersion'
const capabilities = 'io.modelcontextprotocol/clientCapabilities'
const plain = readMessage({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
const modern = (meta: object, method = 'tools/list'): Message =>
  readMessage({ jsonrpc: '2.0', id: 1, method, params: { _meta: meta } })
const enveloped = modern({ [version]: '2026-07-28', [capabilities]: {} })

describe('era of a message', () => {
  const right: [string, Message, string | undefined, string | undefined, string, string][] = [
    ['no claim, no header: 2025-03-26 (O5)', plain, undefined, undefined, 'legacy', '2025-03-26'],
    ['no header, but a session', plain, undefined, '2025-11-25', 'legacy', '2025-11-25'],
    ['header wins over session', plain, '2025-06-18', '2025-11-25', 'legacy', '2025-06-18'],
    ['claim and header', enveloped, '2026-07-28', undefined, 'modern', '2026-07-28'],
    ['claim and header beside a session', enveloped, '2026-07-28', '2025-11-25', 'modern', '2026-07-28'],
  ]
  for (const [what, message, header, session, era, revision] of right) {
    it(what, () => {
      assert.deepEqual(decideDialect(message, header, session as never), { era, revision })
    })
  }

  it('lets the header decide for a notification without a claim', () => {
    const notification = readMessage({ jsonrpc: '2.0', method: 'notifications/cancelled', params: {} })
    assert.equal(decideDialect(notification, '2026-07-28').era, 'modern')
    assert.equal(decideDialect(notification, undefined).era, 'legacy')
  })

  it('asks nothing of a notification beyond its claim, with which a header must agree', () => {
    const notification = readMessage({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { _meta: { [version]: '2026-07-28' } },
    })
    assert.equal(decideDialect(notification, undefined).era, 'modern')
    assert.equal(decideDialect(notification, '2026-07-28').era, 'modern')
    assert.throws(
      () => decideDialect(notification, '2025-11-25'),
      (error: Refusal) => error.code === 'header_mismatch',
    )
  })

  it('does not ask for clientInfo (DEC6)', () => {
    assert.equal(decideDialect(enveloped, '2026-07-28').era, 'modern')
  })

  const refused: [string, Message, string | undefined, ErrorCode][] = [
    ['a claim without the header (O6)', enveloped, undefined, 'header_mismatch'],
    ['a claim and another header', enveloped, '2025-11-25', 'header_mismatch'],
    ['a modern header without a claim (O13, DEC5)', plain, '2026-07-28', 'meta_missing'],
    ['a claim without capabilities', modern({ [version]: '2026-07-28' }), '2026-07-28', 'meta_missing'],
    ['a claim that is no text', modern({ [version]: 20260728 }), '2026-07-28', 'meta_missing'],
    [
      'a claim of a revision to come',
      modern({ [version]: '2027-01-01', [capabilities]: {} }),
      '2027-01-01',
      'version_unsupported',
    ],
    [
      'a claim of a legacy revision',
      modern({ [version]: '2025-11-25', [capabilities]: {} }),
      '2025-11-25',
      'version_unsupported',
    ],
    ['a header that is no revision', plain, 'latest', 'version_unsupported'],
  ]
  for (const [what, message, header, code] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => decideDialect(message, header),
        (error: Refusal) => error.code === code && error.status === 400,
      )
    })
  }

  it('names the revisions that there are', () => {
    assert.throws(
      () => decideDialect(plain, '1999-01-01'),
      (error: Refusal) => (error.detail.data as { requested: string }).requested === '1999-01-01',
    )
  })
})
