import assert from 'node:assert/strict'
import { it } from 'node:test'
import { displayText } from '../../src/core/display-text.ts'

it('a text of others is shown without what nobody sees, and shortened between characters (A14)', () => {
  assert.equal(displayText(' a\nb\u0000c\u202ed\u200be\u2028f\u3164g\u{e0041}h '), 'abcdefgh')
  assert.equal(displayText('cafe\u0301'), 'caf\u00e9')
  assert.equal(displayText('x'.repeat(80)), 'x'.repeat(80))
  assert.equal(displayText('x'.repeat(81)), `${'x'.repeat(79)}…`)
  assert.equal(displayText(`${'x'.repeat(78)}\u{1f600}\u{1f600}`), `${'x'.repeat(78)}…`)
})
