import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashLine } from '../../src/audit/chain.ts'
import type { RecordedEvent } from '../../src/audit/event.ts'
import { followChains } from '../../src/audit/follow-chains.ts'

interface Line {
  readonly seq: number
  /** The line whose hash it has; an empty text for none. */
  readonly after?: string
}

const textOf = (seq: number): string => `line ${seq}`

/** Follows one chain, each event of which comes after the one before it unless the test says otherwise. */
function follow(lines: readonly Line[], anchored: readonly number[] = []): string[] {
  const told: string[] = []
  const places = anchored.map((seq) => ({ chain: 'c', seq, hash: hashLine(textOf(seq)) }))
  const { follow: put, tellOfGaps } = followChains(new Map([['c', places]]), (kind, spot, message) =>
    told.push(`${kind} ${spot.line}: ${message}`),
  )
  for (const [index, { seq, after = seq === 0 ? '' : textOf(seq - 1) }] of lines.entries()) {
    const prev = after === '' ? '' : hashLine(after)
    const event = { chain: 'c', seq, prev, event: seq === 0 ? 'audit.begin' : 'mcp.call' } as RecordedEvent
    put(event, textOf(seq), { source: 'file', line: index + 1 })
  }
  tellOfGaps()
  return told
}

const seqs = (...numbers: readonly number[]): Line[] => numbers.map((seq) => ({ seq }))

describe('a chain of events (N34)', () => {
  it('begins after nothing, or after the nearest anchor before it, in whatever order these were written', () => {
    assert.deepEqual(follow(seqs(0, 1)), [])
    assert.deepEqual(follow(seqs(5, 6), [2, 4, 3]), [])
    assert.deepEqual(follow(seqs(5, 6), [4, 5, 6]), [], 'what was put back is still there')
    assert.deepEqual(follow(seqs(5, 6), [2]), [
      'removed 1: numbers 3 to 4 of chain c are missing before this one',
    ])
    const tampered = 'what stands here did not come after it'
    assert.deepEqual(follow([{ seq: 0, after: 'other' }]), [
      `changed 1: number 0 of chain c is not what it was: ${tampered}`,
    ])
    assert.deepEqual(follow([{ seq: 5, after: 'other' }], [4]), [
      `changed 1: number 4 of chain c is not what it was: ${tampered}`,
    ])
  })

  it('lacks what never comes: not what comes late, and still the others of its gap', () => {
    const lacking = (...numbers: readonly number[]): string[] =>
      follow(seqs(...numbers)).filter((line) => line.startsWith('removed'))
    assert.deepEqual(lacking(0, 4, 8), [
      'removed 2: numbers 1 to 3 of chain c are missing before this one',
      'removed 3: numbers 5 to 7 of chain c are missing before this one',
    ])
    assert.deepEqual(lacking(0, 4, 8, 6, 2), [
      'removed 2: number 1 of chain c is missing before this one',
      'removed 2: number 3 of chain c is missing before this one',
      'removed 3: number 5 of chain c is missing before this one',
      'removed 3: number 7 of chain c is missing before this one',
    ])
    assert.deepEqual(lacking(0, 4, 1, 2, 3), [])
    const twice = lacking(0, 3, 3, 0)
    assert.deepEqual(twice, ['removed 2: numbers 1 to 2 of chain c are missing before this one'])
  })
})
