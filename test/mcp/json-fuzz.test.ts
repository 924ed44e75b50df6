import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe, it } from 'node:test'
import { parseStrictJson } from '../../src/mcp/json.ts'
import { payload } from '../../src/mcp/message.ts'
import { judgeReader } from '../fuzz/judge-reader.ts'
import { randomFrom, randomText } from '../fuzz/random-text.ts'

const inputs = 20_000

describe('a body that nobody has seen before (A19)', () => {
  it('is read as strictly as by the plain reader, and as by JSON.parse, with and without its payload', () => {
    const seed = randomInt(2 ** 31)
    const random = randomFrom(seed)
    let accepted = 0
    for (let count = 0; count < inputs; count++) {
      const text = randomText(random)
      assert.equal(judgeReader(text), undefined, `seed ${seed}: ${JSON.stringify(text)}`)
      if (isRead(text)) accepted++
    }
    assert.ok(accepted > inputs / 10 && accepted < inputs * 0.9, `${accepted} were accepted`)
  })

  it('is read in linear time, whatever it holds: another time would have no end here (A36)', () => {
    const count = 2_000_000
    const list = (length: number, write: (index: number) => string): string =>
      Array.from({ length }, (_, index) => write(index)).join(',')
    for (const text of [
      `"${'\\\\'.repeat(count)}"`,
      `"${'\\u0041'.repeat(count)}"`,
      `{"a":"${'x'.repeat(count)}`,
      `{${list(90_000, (index) => `"${'k'.repeat(20)}${index}":0`)}}`,
      `[${list(30_000, () => '{"aaaaaaaa":1,"aaaaaaab":2}')}]`,
      `{${list(9, (index) => `"${'k'.repeat(count)}${index}":0`)}}`,
      `{${list(90_000, (index) => `"\\u006b${index}":0`)}}`,
      ' '.repeat(count),
      `[${'-'.repeat(count)}`,
      '['.repeat(count),
    ]) {
      isRead(text)
    }
  })
})

function isRead(text: string): boolean {
  try {
    parseStrictJson(text, 64, payload)
    return true
  } catch {
    return false
  }
}
