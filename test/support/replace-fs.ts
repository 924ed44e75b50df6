import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type { Mock, TestContext } from 'node:test'

type Name = Extract<keyof typeof fs, `${string}Sync`>

/**
 * Replaces a function of `node:fs` until the test is over, also for modules that have imported it by name.
 * Returns it with its calls.
 */
export function replaceFs<N extends Name>(
  test: TestContext,
  name: N,
  replacement: (...args: Parameters<(typeof fs)[N]>) => unknown,
): Mock<(typeof fs)[N]> {
  const mocked = test.mock.method(fs, name, replacement as (typeof fs)[N])
  syncBuiltinESMExports()
  test.after(() => {
    mocked.mock.restore()
    syncBuiltinESMExports()
  })
  return mocked
}
