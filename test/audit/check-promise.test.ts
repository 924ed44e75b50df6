import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listFiles } from '../../src/audit/files.ts'
import { makeTrailFolder, someEvent } from '../support/trail.ts'

const day = 24 * 3600 * 1000

describe('what a chain says of those before it (N34)', () => {
  it('is no reason to miss a chain that was pruned, and one to miss what came to it afterwards', async () => {
    const made = makeTrailFolder()
    const before = made.open()
    before.commit(someEvent('old'))
    before.checkpoint()
    made.clock.advance(day)
    before.commit(someEvent('new'))
    await before.close()
    await made.open().close()
    assert.equal((await made.prune()).length, 1)
    assert.deepEqual((await made.verify()).findings, [])
    const [{ chain = '' } = {}] = made.lines().map((line) => JSON.parse(line) as { chain?: string })
    made.rewrite((lines) => lines.filter((line) => !line.startsWith(`{"v":1,"chain":"${chain}"`)))
    const [finding] = (await made.verify()).findings
    assert.match(finding?.message ?? '', new RegExp(`^chain ${chain} had come to number 4 when this was`))

    const whole = makeTrailFolder()
    const gone = whole.open()
    gone.commit(someEvent('old'))
    await gone.close()
    whole.clock.advance(day)
    await whole.open().close()
    await whole.prune()
    assert.equal(listFiles(whole.folder).length, 1)
    assert.deepEqual((await whole.verify()).findings, [], 'nothing is left of a chain that ended before')
  })

  it('covers the events of a process that was killed before it signed them', async () => {
    const made = makeTrailFolder()
    const killed = made.open()
    killed.commit(someEvent('the last one'))
    assert.equal((await made.verify()).unsealed, 1)
    await made.open().close()
    assert.equal((await made.verify()).unsealed, 0)
  })
})
