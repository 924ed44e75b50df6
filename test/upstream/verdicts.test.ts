import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Refusal } from '../../src/core/errors.ts'
import type { Era } from '../../src/mcp/revisions.ts'
import { rememberVerdicts, type Speaks, type Verdicts } from '../../src/upstream/probe/verdicts.ts'
import { movableClock } from '../support/movable-clock.ts'

interface Asked {
  readonly verdicts: Verdicts
  readonly questions: Era[]
  readonly answer: (speaks: Speaks | Refusal) => Promise<void>
  readonly news: string[]
  readonly clock: ReturnType<typeof movableClock>
}

function server(pinned: Partial<Record<Era, Speaks>> = {}): Asked {
  const questions: Era[] = []
  let settle: ((speaks: Speaks | Refusal) => void) | undefined
  const clock = movableClock()
  const news: string[] = []
  const verdicts = rememberVerdicts({
    ask: (era) =>
      new Promise((resolve, reject) => {
        questions.push(era)
        settle = (speaks) => (speaks instanceof Refusal ? reject(speaks) : resolve(speaks))
      }),
    pinned,
    seconds: 600,
    onVerdict: (era, speaks) => void news.push(`${era} ${speaks}`),
    clock,
  })
  return {
    verdicts,
    questions,
    news,
    clock,
    async answer(speaks) {
      settle?.(speaks)
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('what is known of a server', () => {
  it('is asked when it is first needed, once for all who wait for it', async () => {
    const { verdicts, questions, answer } = server()
    assert.equal(verdicts.known('modern', []), undefined)
    assert.deepEqual(questions, [], 'looking does not ask')
    const waiting = [verdicts.find('modern', []), verdicts.find('modern', [])]
    await answer('native')
    assert.deepEqual(await Promise.all(waiting), ['native', 'native'])
    assert.deepEqual(questions, ['modern'])
    assert.equal(verdicts.known('modern', []), 'native')
    assert.equal(verdicts.known('legacy', []), undefined, 'about one era at a time')
  })

  it('is asked by each for themselves where it refuses the one who asked (A36)', async () => {
    const askedBy: (readonly string[])[] = []
    const verdicts = rememberVerdicts({
      async ask(_era, headers) {
        askedBy.push(headers)
        if (!headers.includes('welcome')) throw new Refusal('upstream_refused')
        return 'native'
      },
      pinned: {},
      seconds: 600,
      onVerdict: () => undefined,
      clock: movableClock(),
    })
    const found = await Promise.allSettled(
      [['out'], ['welcome'], ['away']].map((headers) => verdicts.find('modern', headers)),
    )
    assert.deepEqual(
      found.map(({ status }) => status),
      ['rejected', 'fulfilled', 'rejected'],
    )
    assert.deepEqual(askedBy, [['out'], ['welcome'], ['away']])
    assert.equal(verdicts.known('modern', []), 'native')
  })

  it('is asked again when it is old, while nobody waits', async () => {
    const { verdicts, questions, answer, clock, news } = server()
    const first = verdicts.find('modern', [])
    await answer('no')
    assert.equal(await first, 'no')
    clock.advance(599_000)
    assert.equal(verdicts.known('modern', []), 'no')
    assert.equal(questions.length, 1)
    clock.advance(1000)
    assert.equal(verdicts.known('modern', []), 'no', 'the old answer counts meanwhile')
    assert.equal(verdicts.known('modern', []), 'no')
    assert.equal(questions.length, 2, 'one question at a time')
    await answer('native')
    assert.equal(verdicts.known('modern', []), 'native', 'a server that was upgraded is noticed')
    assert.deepEqual(news, ['modern no', 'modern native'])
  })

  it('stays what it was while the server is down, and is never made up', async () => {
    const { verdicts, answer, clock } = server()
    const failing = verdicts.find('modern', [])
    const rejected = assert.rejects(failing, Refusal)
    await answer(new Refusal('upstream_unreachable'))
    await rejected
    assert.equal(verdicts.known('modern', []), undefined, 'an outage is no verdict (A70)')
    const asked = verdicts.find('modern', [])
    await answer('native')
    await asked
    clock.advance(600_000)
    verdicts.known('modern', [])
    await answer(new Refusal('upstream_timeout'))
    assert.equal(verdicts.known('modern', []), 'native')
  })

  it('is not asked where the operator has said it', async () => {
    const { verdicts, questions } = server({ modern: 'no', legacy: 'sse' })
    assert.equal(await verdicts.find('modern', []), 'no')
    assert.equal(verdicts.known('legacy', []), 'sse')
    assert.deepEqual(questions, [])
  })
})
