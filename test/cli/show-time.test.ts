import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { showingTime } from '../../src/cli/show-time.ts'

/** Lets standard error be a terminal, or not. Returns what is written to it. */
function watchErrors(test: TestContext, isTTY: boolean): string[] {
  const written: string[] = []
  const before = process.stderr.isTTY
  process.stderr.isTTY = isTTY
  test.after(() => {
    process.stderr.isTTY = before
  })
  test.mock.method(process.stderr, 'write', (text: string) => written.push(text) > 0)
  test.mock.timers.enable({ apis: ['setInterval'] })
  return written
}

describe('what takes minutes', () => {
  it('is shown on a terminal until it ends, or prints something, and then taken away', async (test) => {
    const written = watchErrors(test, true)
    await showingTime('copying', async (end) => {
      test.mock.timers.tick(1000)
      assert.match(written.join(''), /^\rcopying: \d s$/)
      end()
      assert.equal(written.at(-1), '\r\u001b[K')
      test.mock.timers.tick(5000)
    })
    assert.equal(written.length, 2)
    const failing = showingTime('copying', () => Promise.reject(new Error('full')))
    await assert.rejects(failing, /full/)
    assert.equal(written.at(-1), '\r\u001b[K')
  })

  it('is not shown in a file', async (test) => {
    const written = watchErrors(test, false)
    await showingTime('copying', async () => test.mock.timers.tick(5000))
    assert.deepEqual(written, [])
  })
})
