import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { watchFiles } from '../../src/http/watch-files.ts'
import { until } from '../support/until.ts'

interface Watched {
  readonly file: string
  readonly changes: () => number
  /** Time for the next check. */
  readonly tick: () => void
  /** Lets every check that has begun come to its end. */
  readonly settle: () => Promise<void>
  readonly stop: () => void
}

function watch({ mock }: TestContext): Watched {
  mock.timers.enable({ apis: ['setInterval'] })
  const file = join(mkdtempSync(join(tmpdir(), 'portcullis-watched-')), 'file')
  writeFileSync(file, 'one')
  let changes = 0
  const stop = watchFiles({ files: [file], onChange: () => changes++, everyMs: 1000 })
  return {
    file,
    changes: () => changes,
    tick: () => mock.timers.tick(1000),
    async settle() {
      for (let round = 0; round < 20; round++) await stat(tmpdir())
    },
    stop,
  }
}

describe('files that are watched', () => {
  it('are told of once for each change, also while one is missing, after two checks that found the same', async (test) => {
    const { file, changes, tick, settle } = watch(test)
    const told = (count: number): Promise<void> =>
      until(() => {
        tick()
        return changes() === count
      })
    await told(1)
    for (let round = 0; round < 5; round++) {
      await settle()
      tick()
    }
    assert.equal(changes(), 1)
    rmSync(file)
    await told(2)
    writeFileSync(file, 'two')
    await told(3)
  })

  it('are not asked again before they have answered, as on a folder of the network that hangs', async (test) => {
    const { changes, tick, settle } = watch(test)
    for (let round = 0; round < 5; round++) tick()
    await settle()
    assert.equal(changes(), 0, 'that was one check')
  })

  it('are not told of once nobody watches, whatever has begun', async (test) => {
    const { changes, tick, settle, stop } = watch(test)
    await settle()
    tick()
    stop()
    await settle()
    assert.equal(changes(), 0)
  })
})
